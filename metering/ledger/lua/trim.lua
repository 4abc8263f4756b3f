-- include: head
-- include: outbox_since
-- Drop from the outbox what the ledger holds up to the entry `seq` of chunk `chunk`, and move base there. By chunk too:
-- another history under the same seq must not become the base.
-- FLAGS: allow-oom (it hardly takes memory, and a full server is emptied by way of it).
-- KEYS: meta, outbox.  ARGV: token, seq, chunk, the ledger's offset after that entry.  Returns {OK} or {LOST}.
local head = read_head_and_base(KEYS[1], ARGV[1])
local seq = tonumber(ARGV[2])
if not head or seq < head.base_seq or seq > head.seq then
  return { CODE.LOST }
end
local chunk_at = seq == head.base_seq and head.base_chunk or nil
local published = 0
while not chunk_at do
  local record = redis.call('LINDEX', KEYS[2], 3 * published)
  if not record then
    return { CODE.LOST }
  end
  local _, last, chunk = unpack_line(record)
  if last >= seq then
    chunk_at = chunk
  end
  if last <= seq then
    published = published + 1
  end
end
if chunk_at ~= ARGV[3] then
  return { CODE.LOST }
end
if published > 0 then
  redis.call('LTRIM', KEYS[2], 3 * published, -1)
end
redis.call('HSET', KEYS[1], 'base_seq', ARGV[2], 'base_chunk', chunk_at, 'base_offset', ARGV[4])
return { CODE.OK }
