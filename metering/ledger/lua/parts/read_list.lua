-- include: structs
-- include: equipment

-- More go through a table of the library's: a function takes some 7,000 values.
local AT_ONCE_MAX = 1000

local function list_of(behind, ...)
  return behind, { ... }
end

-- A MessagePack list of `count` values, none of them nil, that begins at `at`: where the next begins, and the values.
-- Taken one by one they cost half of what the library's table does. A list without values is not for writing.
local function read_list(packed, at, count)
  if count == 0 then
    return at + 1, NONE
  elseif count > AT_ONCE_MAX then
    return unpack_values(packed, 1, at)
  end
  return list_of(unpack_values(packed, count, at + (count < 16 and 1 or 3)))
end
