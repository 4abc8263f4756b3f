-- Load one part of a bucket.
-- KEYS: meta, outbox, customers, wallets, charges, senders, timers, commands, states, zones, names,
-- then slots: event ids, then settled.
-- ARGV: token, number of this part (from 1), for each key from the third how many values are its own; then the values,
-- each behind its length in four bytes (little-endian), in the order of the keys: field and value of hashes, score and
-- name of timers and names.
-- Returns {OK} or {LOST}.
local meta = redis.call('HMGET', KEYS[1], 'token', 'loading')
if meta[1] ~= ARGV[1] or tonumber(meta[2] or '-1') ~= tonumber(ARGV[2]) - 1 then
  return { CODE.LOST }
end
local data, at = ARGV[#KEYS + 1], 1
for n = 3, #KEYS do
  local command = (n == 7 or n == 11) and 'ZADD' or 'HSET'
  local left = tonumber(ARGV[n])
  while left > 0 do
    -- All in one call of `struct`, which fails over some thousands of values, as `unpack` does.
    local count = math.min(left, 1000)
    local values = { struct.unpack('<' .. string.rep('I4c0', count), data, at) }
    at = values[count + 1]
    redis.call(command, KEYS[n], unpack(values, 1, count))
    left = left - count
  end
end
redis.call('HSET', KEYS[1], 'loading', ARGV[2])
return { CODE.OK }
