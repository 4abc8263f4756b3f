-- include: head
-- include: outbox_since
-- Does Redis agree with the ledger, whose effective end is the entry `seq` of chunk `chunk`? If so, base moves there, and
-- the outbox loses what the ledger holds: its owner may have ended between publication and `trim`.
-- FLAGS: allow-oom (it hardly takes memory, and a full server is emptied by way of it).
-- KEYS: meta, outbox.  ARGV: token, seq, chunk, the ledger's offset after that entry.
-- Returns {OK, outbox records beyond it, the head as it is stored},
-- {RESTORE} where they disagree or Redis is empty, {LOST} where the token is another's.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return { CODE.LOST }
end
local head = read_head_and_base(KEYS[1], ARGV[1])
local seq = tonumber(ARGV[2])
if not head or seq < head.base_seq or seq > head.seq then
  return { CODE.RESTORE }
end
local since, chunk_at, passed = outbox_since(KEYS[2], head, seq)
if chunk_at ~= ARGV[3] then
  return { CODE.RESTORE }
end
if passed > 0 then
  redis.call('LTRIM', KEYS[2], 3 * passed, -1)
end
redis.call('HSET', KEYS[1], 'base_seq', ARGV[2], 'base_chunk', ARGV[3], 'base_offset', ARGV[4])
return { CODE.OK, since, pack_head_record(head) }
