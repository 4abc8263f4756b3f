-- include: head
-- include: read_many
-- Close a restore: the bucket is usable from now on.
-- KEYS: meta, outbox, customers, wallets, charges, senders, timers, commands, states, zones, names,
-- then slots: event ids, then settled.
-- ARGV: token, parts loaded, seq, chunk, usage, commands, clock, timers run, oldest slot, newest slot,
-- the ledger's offset after the entry.
-- Returns {OK}, or {LOST} where a part is missing or the token is another's.
local meta = redis.call('HMGET', KEYS[1], 'token', 'loading')
if meta[1] ~= ARGV[1] or meta[2] ~= ARGV[2] then
  return { CODE.LOST }
end
local oldest, slots = tonumber(ARGV[9]), (#KEYS - 11) / 2

-- The oldest slot that is there, of those whose keys begin behind `before`.
local function first_there(before)
  for n = 1, slots do
    if is_there(KEYS[before + n]) then
      return oldest + n - 1
    end
  end
  return NO_SLOT
end

local head = pack_head_record({ due = NOBODY_KNOWS, clock = tonumber(ARGV[7]), timers_run = tonumber(ARGV[8]),
  slot_oldest = oldest, slot_newest = tonumber(ARGV[10]), ids_from = first_there(11), settled_from = first_there(11 + slots),
  has_charges = is_there(KEYS[5]), has_senders = is_there(KEYS[6]), seq = tonumber(ARGV[3]), usage = tonumber(ARGV[5]),
  commands = tonumber(ARGV[6]), chunk = ARGV[4] })
redis.call('HSET', KEYS[1], 'head', head, 'slot_oldest', ARGV[9], 'slot_newest', ARGV[10],
  'base_seq', ARGV[3], 'base_chunk', ARGV[4], 'base_offset', ARGV[11])
redis.call('HDEL', KEYS[1], 'loading')
return { CODE.OK }
