-- include: read_many
-- include: inputs
-- The call's view of the bucket: what its inputs will touch is read in bulk, the rest when it is met; written at the end.

-- Records by field, unpacked; absent ones false, or not there at all where the hash is not.
local function read_records(key, fields)
  local records, packed = {}, read_many(key, fields)
  for n = 1, packed and #fields or 0 do
    records[fields[n]] = packed[n] and cmsgpack.unpack(packed[n])
  end
  return records
end

-- Look for charges under `key`, and note the packed ones that are there. Returns those that are not.
local function find_charges(bucket, key, wanted, is_held)
  local packed = read_many(key, wanted)
  if not packed then
    return wanted
  end
  local missing, count = {}, 0
  for n = 1, #wanted do
    local name = wanted[n]
    if packed[n] then
      bucket.charges_packed[name], bucket.charges_stored[name] = packed[n], is_held
    else
      count = count + 1
      missing[count] = name
    end
  end
  return missing
end

local function read_bucket(header, head, keys, slot_numbers, customers, rows, last_ts)
  local count = count_of(rows)
  local bucket = {
    number = header.bucket, keys = keys, seq = head.seq, last_ts = last_ts,
    slots = slot_numbers, slot_ms = header.slot_ms, window_ms = header.window_ms,
    command_window_ms = header.command_window_ms,
    rows = rows, more = header.more, count = count, digests = header.digests,
    customers = {}, customers_listed = customers, clear = customers.clear, customers_dirty = {},
    wallets = {}, wallets_dirty = {}, wallet_keys = header.wallet_keys, wallet_names = header.wallet_names,
    wallets_packed = read_many(keys.wallets, header.wallet_keys) or {}, plain = {},
    charges = {}, charges_packed = {}, charges_dirty = {}, charges_stored = {}, charge_keys = header.charge_keys,
    senders = read_records(keys.senders, header.sender_keys), senders_dirty = {}, sender_keys = header.sender_keys,
    states = read_records(keys.states, header.state_keys), states_dirty = {},
    commands = {}, commands_dirty = {}, zones = {}, zones_new = header.zones, names_new = {},
    ids = {}, ids_slots = {}, ids_new = {}, ids_written = {}, ids_count = 0, ids_runs = {}, ids_at = -1,
    timers_set = {}, due = {}, due_next = 1, due_new = {}, due_read = 0, due_more = true, due_soonest = 0,
    seq_before = head.seq, marks = {}, result_rows = { '', '' }, rows_count = 2, results = {}, row_names = {}, name_places = {},
  }
  -- What is held is nowhere else, and of what is settled the newest counts.
  local wanted = find_charges(bucket, keys.charges, header.charge_keys, true)
  for n = #slot_numbers, 1, -1 do
    wanted = find_charges(bucket, keys.settled[n], wanted)
    local seen = read_many(keys.ids[n], bucket.digests)
    if seen then
      bucket.ids[#bucket.ids + 1], bucket.ids_slots[#bucket.ids + 1] = seen, slot_numbers[n]
    end
  end
  return bucket
end
