-- include: int
-- The bucket's meta record as numbers; nil where the bucket is not loaded, the token is not the caller's, or the records
-- are in another layout: `loaded` says which. Then it has to be restored from the books.
local function read_head(key, token)
  local meta = redis.call('HMGET', key, 'token', 'loaded', 'seq', 'chunk', 'usage', 'commands', 'clock',
    'timers_run', 'base_seq', 'base_chunk', 'slot_oldest', 'slot_newest', 'due')
  if meta[1] ~= token or meta[2] ~= 'LAYOUT_VERSION' then
    return nil
  end
  return {
    seq = tonumber(meta[3]), chunk = meta[4], usage = tonumber(meta[5]), commands = tonumber(meta[6]),
    clock = tonumber(meta[7]), timers_run = tonumber(meta[8]),
    base_seq = tonumber(meta[9]), base_chunk = meta[10], slot_oldest = tonumber(meta[11]),
    slot_newest = tonumber(meta[12]), due = meta[13],
  }
end
