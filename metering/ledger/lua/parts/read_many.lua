local function is_there(key)
  return redis.call('EXISTS', key) == 1
end

-- HMGET of many fields, a bounded number at a time: `unpack` fails over about 7,000 values. Absent ones are
-- false.
local function read_fields(key, fields)
  local count = #fields
  if count == 0 then
    return {}
  elseif count <= 1000 then
    return redis.call('HMGET', key, unpack(fields))
  end
  local values = {}
  for first = 1, count, 1000 do
    local page = redis.call('HMGET', key, unpack(fields, first, math.min(first + 999, count)))
    for n = 1, #page do
      values[first + n - 1] = page[n]
    end
  end
  return values
end
