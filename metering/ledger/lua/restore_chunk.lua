-- Load one part of a bucket.
-- KEYS: meta, outbox, customers, wallets, charges, senders, timers, commands, states, zones, names,
-- then slots: event ids, then settled.
-- ARGV: token, number of this part (from 1), for each key from the third how many values are its own; then the lengths
-- of all values, four bytes each (little-endian), and the values without anything between them, in the order of the
-- keys: field and value of hashes, score and name of timers and names.
-- Returns {OK} or {LOST}.
local meta = redis.call('HMGET', KEYS[1], 'token', 'loading')
if meta[1] ~= ARGV[1] or tonumber(meta[2] or '-1') ~= tonumber(ARGV[2]) - 1 then
  return { CODE.LOST }
end
local lengths, data = ARGV[#KEYS + 1], ARGV[#KEYS + 2]
local at_length, at = 1, 1
for n = 3, #KEYS do
  local command = (n == 7 or n == 11) and 'ZADD' or 'HSET'
  local left = tonumber(ARGV[n])
  while left > 0 do
    -- `unpack` fails over about 7,000 values.
    local count = math.min(left, 1000)
    local values = {}
    for v = 1, count do
      local length
      length, at_length = struct.unpack('<I4', lengths, at_length)
      values[v] = string.sub(data, at, at + length - 1)
      at = at + length
    end
    redis.call(command, KEYS[n], unpack(values))
    left = left - count
  end
end
redis.call('HSET', KEYS[1], 'loading', ARGV[2])
return { CODE.OK }
