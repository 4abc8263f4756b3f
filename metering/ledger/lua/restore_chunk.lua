-- include: write_many
-- Load one part of a bucket.
-- KEYS: meta, outbox, customers, wallets, charges, senders, timers, commands, states, zones, names,
-- then slots: event ids, then settled.
-- ARGV: token, number of this part (from 1), cmsgpack {customers, wallets, charges, senders, timers, commands, states,
-- zones = flat lists of field and value (timers, names: score and name), ids, settled = lists of such lists in the order of the slots}.
-- Returns {OK} or {LOST}.
local meta = redis.call('HMGET', KEYS[1], 'token', 'loading')
if meta[1] ~= ARGV[1] or tonumber(meta[2] or '-1') ~= tonumber(ARGV[2]) - 1 then
  return { CODE.LOST }
end
local part = cmsgpack.unpack(ARGV[3])
write_many('HSET', KEYS[3], part.customers)
write_many('HSET', KEYS[4], part.wallets)
write_many('HSET', KEYS[5], part.charges)
write_many('HSET', KEYS[6], part.senders)
write_many('ZADD', KEYS[7], part.timers)
write_many('HSET', KEYS[8], part.commands)
write_many('HSET', KEYS[9], part.states)
write_many('HSET', KEYS[10], part.zones)
write_many('ZADD', KEYS[11], part.names)
for n = 1, #part.ids do
  write_many('HSET', KEYS[11 + n], part.ids[n])
  write_many('HSET', KEYS[11 + #part.ids + n], part.settled[n])
end
redis.call('HSET', KEYS[1], 'loading', ARGV[2])
return { CODE.OK }
