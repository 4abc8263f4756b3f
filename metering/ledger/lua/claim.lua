-- Take the bucket: from now on only calls with this token are served. A half-loaded bucket becomes invalid.
-- KEYS: meta.  ARGV: token.  Returns {OK, oldest slot}.
redis.call('HSET', KEYS[1], 'token', ARGV[1])
if redis.call('HEXISTS', KEYS[1], 'loading') == 1 then
  redis.call('HDEL', KEYS[1], 'loading', 'loaded')
end
return { CODE.OK, redis.call('HGET', KEYS[1], 'slot_oldest') or '0' }
