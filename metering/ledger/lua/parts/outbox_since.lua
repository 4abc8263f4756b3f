-- The outbox records that hold entries after `seq`, the chunk of the entry at `seq` (false when it is not there), and how
-- many records end at `seq` or before it.
-- A record is three elements of the list: a line `first last chunk prev_chunk from_usage from_commands`, what its inputs
-- carry, and the results (emit.lua). Joined they would be some 100 kB that Lua copies and hashes once more.
local function outbox_since(key, head, seq)
  local chunk_at = seq == head.base_seq and head.base_chunk or false
  local since, passed = {}, 0
  local records = redis.call('LRANGE', key, 0, -1)
  for n = 1, #records, 3 do
    local first, last, chunk = string.match(records[n], '^(%d+) (%d+) (%x+) ')
    first, last = tonumber(first), tonumber(last)
    if seq >= first and seq <= last then
      chunk_at = chunk
    end
    if last > seq then
      since[#since + 1] = { records[n], records[n + 1], records[n + 2] }
    else
      passed = passed + 1
    end
  end
  return since, chunk_at, passed
end
