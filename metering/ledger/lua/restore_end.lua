-- Close a restore: the bucket is usable from now on.
-- KEYS: meta.  ARGV: token, parts loaded, seq, chunk, usage, commands, clock, timers run, oldest slot, newest slot,
-- the ledger's offset after the entry.
-- Returns {OK}, or {LOST} where a part is missing or the token is another's.
local meta = redis.call('HMGET', KEYS[1], 'token', 'loading')
if meta[1] ~= ARGV[1] or meta[2] ~= ARGV[2] then
  return { CODE.LOST }
end
redis.call('HSET', KEYS[1], 'loaded', 'LAYOUT_VERSION', 'seq', ARGV[3], 'chunk', ARGV[4], 'usage', ARGV[5],
  'commands', ARGV[6], 'clock', ARGV[7], 'timers_run', ARGV[8], 'slot_oldest', ARGV[9], 'slot_newest', ARGV[10],
  'base_seq', ARGV[3], 'base_chunk', ARGV[4], 'base_offset', ARGV[11])
redis.call('HDEL', KEYS[1], 'loading')
return { CODE.OK }
