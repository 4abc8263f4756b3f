-- include: write_many
-- include: read_many
-- Write fields of a hash (`set`, with their values) and drop others. Returns whether the hash is there now, or nil where
-- it is as it was.
local function write_and_drop(key, set, del)
  write_many('HSET', key, set)
  write_many('HDEL', key, del)
  if #set > 0 then
    return true
  elseif #del > 0 then
    return is_there(key)
  end
  return nil
end

local function stays_there(was_there, is_there_now)
  if is_there_now == nil then
    return was_there
  end
  return is_there_now
end
