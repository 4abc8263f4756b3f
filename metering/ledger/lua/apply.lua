-- include: collector
-- include: head
-- include: write_head
-- include: header
-- include: equipment
-- include: outbox_since
-- include: load
-- include: save
-- include: seen
-- include: plain_submit
-- include: plain_outcome
-- include: inputs
-- include: structs
-- include when needed: general
-- Apply a chunk of inputs: run what is due before each, decide each, write everything at the end.
-- KEYS: meta, outbox, customers, wallets, charges, senders, timers, commands, states, zones, names,
-- then slots: event ids, then settled.
-- ARGV: token, expected seq, expected chunk, new chunk, from usage, from commands, to usage, to commands,
-- header (MessagePack, see header.lua), inputs (rows), carried (opaque; kept in the outbox to publish from).
-- Returns {OK, results, next due or ''}; {STALE, index of customer}; {REPEATED, outbox records since the expected
-- head, seq, chunk, usage, commands}; {LOST}.
local head = read_head(KEYS[1], ARGV[1])
if not head then
  return { CODE.LOST }
end
local expected = tonumber(ARGV[2])
local from_usage, from_commands = tonumber(ARGV[5]), tonumber(ARGV[6])
local to_usage, to_commands = tonumber(ARGV[7]), tonumber(ARGV[8])
if head.seq ~= expected or head.chunk ~= ARGV[3] then
  local since, chunk_at = outbox_since(KEYS[2], head, expected)
  if head.seq > expected and chunk_at == ARGV[3] then
    return { CODE.REPEATED, since, int(head.seq), head.chunk, int(head.usage), int(head.commands) }
  end
  return { CODE.LOST }
end
if head.usage ~= from_usage or head.commands ~= from_commands then
  if head.usage == to_usage and head.commands == to_commands then
    return { CODE.REPEATED, {}, int(head.seq), head.chunk, int(head.usage), int(head.commands) }
  end
  return { CODE.LOST }
end

local header, rows = read_header(ARGV[9]), ARGV[10]
local customers, stale = read_customers(KEYS[3], header.customers, header.policies)
if stale then
  return { CODE.STALE, stale }
end
local slots = header.slots
local keys = { customers = KEYS[3], wallets = KEYS[4], charges = KEYS[5], senders = KEYS[6], timers = KEYS[7],
  commands = KEYS[8], states = KEYS[9], zones = KEYS[10], names = KEYS[11],
  ids = { unpack(KEYS, 12, 11 + #slots) }, settled = { unpack(KEYS, 12 + #slots, 11 + 2 * #slots) } }
local count = header.count
local last_ts = count > 0 and header.clock_last or head.clock
local bucket = read_bucket(header, head, keys, customers, rows, last_ts)
local submit_plain, settle_plain = plain_submit(bucket), plain_outcome(bucket)

local next_at = 0
for i = 1, count do
  local at = next_at
  local behind, shape, of_customer, wallet, charge, sender, now, price, deadline, fee =
    unpack_values(rows, ROW_VALUES, at + 1)
  local op = shape % SHAPE.CHARGE_ON
  next_at = behind
  if bucket.due_soonest <= now and is_due(bucket, now) then
    equip(bucket)
    general().run_timers(bucket, i, now, op == OP.TICK and TIMERS_PER_TICK or TIMERS_PER_INPUT, i == 1 and head.timers_run or 0)
  end
  local is_done = false
  if PLAIN_PATH == 1 and op == OP.SUBMIT then
    is_done = submit_plain(i, shape, of_customer, wallet, charge, sender, now, price, deadline, fee)
  elseif PLAIN_PATH == 1 and op == OP.OUTCOME and shape < SHAPE.FLAGS then
    is_done = settle_plain(i, of_customer, wallet, charge, now, deadline)
  end
  if not is_done then
    equip(bucket)
    general().apply_input(bucket, i, op, now, at)
  end
end

local results = pack_results(bucket)
local chunk = head.chunk
if bucket.seq > head.seq then
  chunk = ARGV[4]
  local line = table.concat({ int(head.seq + 1), int(bucket.seq), chunk, head.chunk, int(from_usage),
    int(from_commands) }, ' ')
  redis.call('RPUSH', KEYS[2], line, ARGV[11], results)
end
save_bucket(bucket)
local oldest = drop_dead_slots(bucket, last_ts)
local next_due = soonest_after(bucket, head.due)
write_head(KEYS[1], head, { seq = bucket.seq, chunk = chunk, usage = to_usage, commands = to_commands, clock = last_ts,
  timers_run = count > 0 and 0 or head.timers_run, due = next_due,
  slot_oldest = oldest > 0 and oldest or head.slot_oldest,
  slot_newest = math.max(slots[#slots] or 0, floor(last_ts / header.slot_ms)) })
return { CODE.OK, results, next_due }
