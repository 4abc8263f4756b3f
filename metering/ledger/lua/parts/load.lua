-- include: read_many
-- include: inputs
-- The call's view of the bucket: what its inputs will touch is read in bulk, the rest when it is met; written at the end.

-- Records by field, unpacked; absent ones false.
local function read_records(key, fields)
  local records, packed = {}, read_many(key, fields)
  for n = 1, #fields do
    records[fields[n]] = packed[n] and cmsgpack.unpack(packed[n])
  end
  return records
end

-- Note the packed charges that are found under `key`; a later place counts more than an earlier.
local function find_charges(bucket, key, is_held)
  local keys = bucket.charge_keys
  local packed = read_many(key, keys)
  for n = 1, #keys do
    if packed[n] then
      bucket.charges_packed[keys[n]] = packed[n]
      bucket.charges_stored[keys[n]] = is_held
    end
  end
end

local function read_bucket(header, head, keys, slot_numbers, customers, rows, last_ts)
  local count = count_of(rows)
  local bucket = {
    number = header.bucket, keys = keys, seq = head.seq, last_ts = last_ts,
    slots = slot_numbers, slot_ms = header.slot_ms, window_ms = header.window_ms,
    command_window_ms = header.command_window_ms,
    rows = rows, more = header.more, count = count, digests = digests_of(rows, count),
    customers = {}, customers_listed = customers, customers_dirty = {},
    wallets = {}, wallets_dirty = {}, wallet_keys = header.wallet_keys, wallet_names = header.wallet_names,
    wallets_packed = read_many(keys.wallets, header.wallet_keys), plain = {},
    charges = {}, charges_packed = {}, charges_dirty = {}, charges_stored = {}, charge_keys = header.charge_keys,
    senders = read_records(keys.senders, header.sender_keys), senders_dirty = {}, sender_keys = header.sender_keys,
    states = read_records(keys.states, header.state_keys), states_dirty = {},
    commands = {}, commands_dirty = {}, zones = {}, zones_new = header.zones, names_new = {},
    ids = {}, ids_new = {}, ids_written = {}, ids_runs = {}, ids_at = -1,
    timers_set = {}, due = {}, due_next = 1, due_new = {}, due_read = 0, due_more = true, due_soonest = 0,
    marks = {}, result_rows = {}, results = {}, row_names = {}, name_places = {},
  }
  for n = 1, #slot_numbers do
    find_charges(bucket, keys.settled[n])
    bucket.ids[n] = read_many(keys.ids[n], bucket.digests)
  end
  find_charges(bucket, keys.charges, true)
  return bucket
end
