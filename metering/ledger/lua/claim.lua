-- Take the bucket: from now on only calls with this token are served. A half-loaded bucket becomes invalid.
-- FLAGS: allow-oom (it hardly takes memory, and a full server is emptied by way of it).
-- KEYS: meta.  ARGV: token.  Returns {OK, oldest slot, base seq, base chunk, base offset}: base is the last entry that
-- the bucket knows to be in the ledger, and the ledger's offset after it ('' where it knows none).
redis.call('HSET', KEYS[1], 'token', ARGV[1])
if redis.call('HEXISTS', KEYS[1], 'loading') == 1 then
  redis.call('HDEL', KEYS[1], 'loading', 'head')
end
local meta = redis.call('HMGET', KEYS[1], 'slot_oldest', 'base_seq', 'base_chunk', 'base_offset')
return { CODE.OK, meta[1] or '0', meta[2] or '0', meta[3] or '', meta[4] or '' }
