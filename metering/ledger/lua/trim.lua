-- include: head
-- Drop from the outbox what the ledger holds up to `seq`, and move base there.
-- KEYS: meta, outbox.  ARGV: token, seq, the ledger's offset after that entry.  Returns {OK} or {LOST}.
local head = read_head(KEYS[1], ARGV[1])
local seq = tonumber(ARGV[2])
if not head or seq < head.base_seq or seq > head.seq then
  return { CODE.LOST }
end
if seq == head.base_seq then
  return { CODE.OK }
end
local chunk_at = nil
while true do
  local record = redis.call('LINDEX', KEYS[2], 0)
  if not record then
    break
  end
  local first, last, chunk = string.match(record, '^(%d+) (%d+) (%x+) ')
  if tonumber(first) > seq then
    break
  end
  chunk_at = chunk
  if tonumber(last) > seq then
    break
  end
  redis.call('LPOP', KEYS[2])
end
if not chunk_at then
  return { CODE.LOST }
end
redis.call('HSET', KEYS[1], 'base_seq', int(seq), 'base_chunk', chunk_at, 'base_offset', ARGV[3])
return { CODE.OK }
