-- Empty the bucket and start to load it; it is unusable until `restore_end`.
-- FLAGS: allow-oom (it hardly takes memory, and a full server is emptied by way of it).
-- KEYS: meta, outbox, customers, wallets, charges, senders, timers, commands, states, zones, names,
-- then the keys of the slots named.
-- ARGV: token, oldest and newest slot of those named without a gap.  Returns {OK}, {LOST}, or {SLOTS, oldest, newest} where older or newer slots exist.
local meta = redis.call('HMGET', KEYS[1], 'token', 'slot_oldest', 'slot_newest')
if meta[1] ~= ARGV[1] then
  return { CODE.LOST }
end
local oldest, newest = tonumber(meta[2] or '0'), tonumber(meta[3] or '0')
if newest > 0 and (oldest < tonumber(ARGV[2]) or newest > tonumber(ARGV[3])) then
  return { CODE.SLOTS, oldest, newest }
end
for n = 2, #KEYS do
  redis.call('UNLINK', KEYS[n])
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'loading', '0')
return { CODE.OK }
