-- Run a command with many arguments, a bounded number at a time: `unpack` fails over about 7,000 values.
local function write_many(command, key, values)
  local count = #values
  for first = 1, count, 1000 do
    redis.call(command, key, unpack(values, first, math.min(first + 999, count)))
  end
end
