-- include: structs
-- The bucket's head: where it stands, as one field of `meta`, which a small call reads and writes for the price of one.
-- The layout's version; when the soonest timer is due (see NOBODY_KNOWS and NEVER_DUE), clock, timers run at it, oldest
-- and newest slot, the oldest slots that remember an event and a settled charge, whether charges and senders are there;
-- last its identity: seq and position, and the chunk behind them. `ledger/head.py` has the same form.
local HEAD, IDENTITY_AT = '<BllI4I4I4I4I4BBlll', 40
local IDENTITY, CHUNK_IN_IDENTITY = '<lll', 25
local NO_SLOT = 2 ^ 32 - 1
local NOBODY_KNOWS = -1
local NEVER_DUE = 2 ^ 53

-- The head as numbers, and of further fields of `meta` their values in a list from 3 on; nil where the bucket is not
-- loaded, the token is not the caller's, or the records are in another layout. Then it has to be restored from the books.
local function read_head(key, token, ...)
  local meta = redis.call('HMGET', key, 'token', 'head', ...)
  if meta[1] ~= token or not meta[2] or string.byte(meta[2]) ~= LAYOUT_VERSION then
    return nil
  end
  local _, due, clock, timers_run, slot_oldest, slot_newest, ids_from, settled_from, has_charges, has_senders, seq, usage,
    commands, chunk_at = unpack_struct(HEAD, meta[2])
  return { seq = seq, chunk = string.sub(meta[2], chunk_at), usage = usage, commands = commands, clock = clock,
    timers_run = timers_run, slot_oldest = slot_oldest, slot_newest = slot_newest, due = due, ids_from = ids_from,
    settled_from = settled_from, has_charges = has_charges == 1, has_senders = has_senders == 1,
    identity = string.sub(meta[2], IDENTITY_AT) }, meta
end

-- The same with `base`, the last entry that the bucket knows to be in the ledger.
local function read_head_and_base(key, token)
  local head, meta = read_head(key, token, 'base_seq', 'base_chunk')
  if head then
    head.base_seq, head.base_chunk = tonumber(meta[3]), meta[4]
  end
  return head
end

local function pack_head_record(head)
  return pack_struct(HEAD, LAYOUT_VERSION, head.due, head.clock, head.timers_run, head.slot_oldest, head.slot_newest,
    head.ids_from, head.settled_from, head.has_charges and 1 or 0, head.has_senders and 1 or 0, head.seq, head.usage,
    head.commands) .. head.chunk
end

-- Seq, position of usage and commands, and chunk of an identity.
local function unpack_identity(identity)
  local seq, usage, commands = unpack_struct(IDENTITY, identity)
  return seq, usage, commands, string.sub(identity, CHUNK_IN_IDENTITY)
end
