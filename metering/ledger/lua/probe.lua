-- include: head
-- Is the bucket still as its owner left it? Asked every few seconds, so that a lost Redis is noticed without traffic.
-- FLAGS: no-writes
-- KEYS: meta, outbox, charges, timers, senders.  ARGV: token, seq, chunk, next offset of usage and of commands.
-- Returns {OK, charges held, outbox records, timers, blocked senders, next due or ''} or {LOST}.
local head = read_head(KEYS[1], ARGV[1])
if not head or head.seq ~= tonumber(ARGV[2]) or head.chunk ~= ARGV[3] then
  return { CODE.LOST }
end
-- Gone back past a dead letter, a forwarded record or a tick alone: they move the position and make no entry.
if head.usage ~= tonumber(ARGV[4]) or head.commands ~= tonumber(ARGV[5]) then
  return { CODE.LOST }
end
local next_due = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')[2]
return { CODE.OK, redis.call('HLEN', KEYS[3]), redis.call('LLEN', KEYS[2]) / 3, redis.call('ZCARD', KEYS[4]),
  redis.call('HLEN', KEYS[5]), next_due or '' }
