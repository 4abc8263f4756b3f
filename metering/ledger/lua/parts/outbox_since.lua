-- include: structs
-- The outbox records that hold entries after `seq`, the chunk of the entry at `seq` (false when it is not there), and how
-- many records end at `seq` or before it.
-- A record is three elements of the list: its line, what its inputs carry, and the results (emit.lua). Joined they would
-- be some 100 kB that Lua copies and hashes once more. A line has the last seq, the chunk, and the identity of the head
-- before it (head.lua): seq, position, chunk. `ledger/outbox.py` reads the same form.
local LINE, SEQS_OF_LINE = '<lBc0', '<lBc0l'

local function pack_line(last, chunk, before)
  return pack_struct(LINE, last, #chunk, chunk) .. before
end

-- The first seq of a record, its last, and its chunk.
local function unpack_line(line)
  local last, chunk, before = unpack_struct(SEQS_OF_LINE, line)
  return before + 1, last, chunk
end

local function outbox_since(key, head, seq)
  local chunk_at = seq == head.base_seq and head.base_chunk or false
  local since, passed = {}, 0
  local records = redis.call('LRANGE', key, 0, -1)
  for n = 1, #records, 3 do
    local first, last, chunk = unpack_line(records[n])
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
