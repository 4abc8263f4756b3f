-- include: read_many
-- include: inputs
-- include: limits_met
-- include: seen
-- include: equipment
-- include: timers
-- The call's view of the bucket: what its inputs will touch is read in bulk, the rest when it is met; written at the end.

-- Only the values of `unpack_values`, as a list.
local function values_of(_, ...)
  return { ... }
end

-- A list of up to fifteen values, none of them nil: taken one by one they cost half of what the library's table does.
local function unpack_list(packed)
  local count = string.byte(packed) - 144
  if count < 1 or count > 15 then
    return cmsgpack.unpack(packed)
  end
  return values_of(unpack_values(packed, count, 1))
end

-- Records by field, unpacked, and as they were into `kept`; absent ones false, or not there at all where the hash is not.
local function read_records(key, fields, kept)
  local records, packed = {}, read_many(key, fields)
  for n = 1, packed and #fields or 0 do
    local one = packed[n]
    records[fields[n]] = one and unpack_list(one)
    if kept and one then
      kept[fields[n]] = one
    end
  end
  return records
end

-- What is not in `found` of what was wanted, and its places.
local function places_without(found, wanted)
  local missing, places = {}, {}
  for n = 1, #wanted do
    if not found[n] then
      missing[#missing + 1], places[#places + 1] = wanted[n], n
    end
  end
  return missing, places
end

-- The call's charges, packed, by their places; nil or false where there is none. What is held is nowhere else, and of
-- what is settled the newest counts.
local function read_charges(keys, wanted, slot_count)
  local found = read_many(keys.charges, wanted)
  for n = slot_count, 1, -1 do
    if not found then
      found = read_many(keys.settled[n], wanted)
    elseif is_there(keys.settled[n]) then
      local missing, places = places_without(found, wanted)
      local settled = #missing > 0 and read_fields(keys.settled[n], missing) or {}
      for m = 1, #missing do
        found[places[m]] = settled[m]
      end
    end
  end
  return found or {}
end

-- Which events of the call may have been seen: what the slots have of each, as lists in the order of the inputs, the
-- slots, and of each event whether any has it.
local function read_ids(keys, digests, slot_numbers)
  local lists, slots = {}, {}
  for n = #slot_numbers, 1, -1 do
    -- The newest is there as soon as anything is.
    local seen = n == #slot_numbers and read_fields(keys.ids[n], digests) or read_many(keys.ids[n], digests)
    if seen then
      lists[#lists + 1], slots[#slots + 1] = seen, slot_numbers[n]
    end
  end
  local known = lists[1] or {}
  if #lists > 1 then
    known = {}
    for i = 1, #digests do
      local is_known = false
      for n = 1, #lists do
        is_known = is_known or lists[n][i]
      end
      known[i] = is_known
    end
  end
  return lists, slots, known
end

local function read_bucket(header, head, keys, customers, rows, last_ts)
  local slot_numbers = header.slots
  local lists, list_slots, known = read_ids(keys, header.digests, slot_numbers)
  local bucket = {
    number = header.bucket, keys = keys, seq = head.seq, last_ts = last_ts,
    slots = slot_numbers, slot_ms = header.slot_ms, window_ms = header.window_ms,
    command_window_ms = header.command_window_ms,
    rows = rows, more = header.more, count = header.count, digests = header.digests,
    customers = NONE, customers_listed = customers, masks = customers.masks, customers_dirty = NONE,
    wallets = {}, wallets_dirty = {}, wallet_keys = header.wallet_keys, wallet_names = header.wallet_names,
    wallets_packed = read_fields(keys.wallets, header.wallet_keys), plain = {},
    charges = {}, charges_dirty = NONE, charges_stored = NONE, charge_keys = header.charge_keys,
    charge_rows = read_charges(keys, header.charge_keys, #slot_numbers), charge_slots = {}, charge_deadlines = {},
    charges_gone = {}, charges_kept = 0,
    senders = {}, senders_packed = read_many(keys.senders, header.sender_keys) or NONE, senders_dirty = NONE,
    sender_keys = header.sender_keys, sender_names = {},
    states = NONE, states_dirty = NONE, states_packed = NONE, sorts_in = NONE, met = NONE,
    commands = NONE, commands_dirty = NONE, zones = NONE, zones_new = header.zones, names_new = NONE,
    ids = lists, ids_slots = list_slots, ids_known = known, ids_new = header.has_repeats and {} or false,
    ids_written = {}, ids_runs = {},
    timers_set = NONE, due = NONE, due_next = 1, due_new = NONE, due_read = 0, due_more = true,
    due_soonest = soonest_of(head.due),
    seq_before = head.seq, marks = NONE, result_rows = { '', '' }, rows_count = 2, results = NONE, limited_rows = NONE,
    limits_figures = NONE, limits_told = NONE, limits_before = NONE, limit_places = NONE, row_names = {},
    name_places = {},
  }
  bucket.remember = remember_in(bucket)
  if customers.has_limits or #header.state_keys > 0 then
    equip(bucket)
    bucket.states = read_records(keys.states, state_keys(bucket, header.state_keys), bucket.states_packed)
  end
  return bucket
end
