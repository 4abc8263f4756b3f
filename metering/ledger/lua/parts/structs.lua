-- Lua's `struct` under names of the script: a name of the script is found at once, one of Lua's through two tables.
local pack_struct = struct.pack
local unpack_struct = struct.unpack
