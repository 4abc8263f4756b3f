-- Lua's own functions under names of the script: such a name is found at once, one of Lua's through two tables.
local pack_struct = struct.pack
local unpack_struct = struct.unpack
local unpack_values = cmsgpack.unpack_limit
local floor = math.floor
