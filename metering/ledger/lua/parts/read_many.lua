-- HMGET of many fields, a bounded number at a time: `unpack` fails over about 7,000 values. Absent ones are
-- false. Nil where the hash is not there: a field costs Redis 2,000 instructions to say that it has none.
local function read_many(key, fields)
  local count = #fields
  if count == 0 or redis.call('EXISTS', key) == 0 then
    return nil
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
