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
-- ARGV: token, identity of the expected head (see head.lua), header (MessagePack, see header.lua), inputs (rows), carried
-- (opaque; kept in the outbox to publish from).
-- Returns {OK, results, next due or -1}; {STALE, index of customer}; {REPEATED, outbox records since the expected
-- head, identity}; {LOST}.
local head = read_head(KEYS[1], ARGV[1])
if not head then
  return { CODE.LOST }
end
local bucket = read_header(ARGV[3], KEYS, ARGV[4])
if head.identity ~= ARGV[2] then
  local expected, from_usage, from_commands, chunk = unpack_identity(ARGV[2])
  if head.seq ~= expected or head.chunk ~= chunk then
    local since, chunk_at = outbox_since(KEYS[2], read_head_and_base(KEYS[1], ARGV[1]), expected)
    if head.seq > expected and chunk_at == chunk then
      return { CODE.REPEATED, since, head.identity }
    end
    return { CODE.LOST }
  end
  if head.usage ~= from_usage or head.commands ~= from_commands then
    if head.usage == bucket.to_usage and head.commands == bucket.to_commands then
      return { CODE.REPEATED, {}, head.identity }
    end
    return { CODE.LOST }
  end
end

local stale = read_customers(bucket)
if stale then
  return { CODE.STALE, stale }
end
read_bucket(bucket, head)

local rows, count, last_ts = bucket.rows, bucket.count, bucket.last_ts
local submit_plain, settle_plain = nil, nil
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
    submit_plain = submit_plain or plain_submit(bucket)
    is_done = submit_plain(i, shape, of_customer, wallet, charge, sender, now, price, deadline, fee)
  elseif PLAIN_PATH == 1 and op == OP.OUTCOME and shape < SHAPE.FLAGS then
    settle_plain = settle_plain or plain_outcome(bucket)
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
  chunk = bucket.chunk
  redis.call('RPUSH', KEYS[2], pack_line(bucket.seq, chunk, ARGV[2]), ARGV[5], results)
end
save_bucket(bucket)
local oldest = drop_dead_slots(bucket, last_ts)
local next_due = soonest_after(bucket, head.due)
write_head(KEYS[1], head, { seq = bucket.seq, chunk = chunk, usage = bucket.to_usage, commands = bucket.to_commands,
  clock = last_ts, timers_run = count > 0 and 0 or head.timers_run, due = next_due,
  slot_oldest = oldest > 0 and oldest or head.slot_oldest,
  slot_newest = math.max(bucket.slots[#bucket.slots] or 0, slot_of(bucket, last_ts)),
  ids_from = bucket.ids_from, settled_from = bucket.settled_from, has_charges = bucket.has_charges,
  has_senders = bucket.has_senders })
return { CODE.OK, results, next_due < NEVER_DUE and next_due or -1 }
