-- Run a command with many arguments, a bounded number at a time: `unpack` fails over about 7,000 values.
local function write_many(command, key, values, from, to)
  local last = to or #values
  for first = from or 1, last, 1000 do
    redis.call(command, key, unpack(values, first, math.min(first + 999, last)))
  end
end
