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
  local records, packed = {}, read_fields(key, fields)
  for n = 1, #fields do
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
local function read_charges(bucket)
  local wanted, slot_numbers = bucket.charge_keys, bucket.slots
  local found = bucket.has_charges and read_fields(bucket.keys[KEY.CHARGES], wanted)
  for n = #slot_numbers, 1, -1 do
    if slot_numbers[n] < bucket.settled_from then
      break
    elseif not found then
      found = read_fields(settled_key(bucket, n), wanted)
    else
      local missing, places = places_without(found, wanted)
      local settled = #missing > 0 and read_fields(settled_key(bucket, n), missing) or {}
      for m = 1, #missing do
        found[places[m]] = settled[m]
      end
    end
  end
  return found or {}
end

-- Which events of the call may have been seen: what the slots have of each, as lists in the order of the inputs, the
-- slots, and of each event whether any has it.
local function read_ids(bucket)
  local lists, slots, digests, slot_numbers = {}, {}, bucket.digests, bucket.slots
  for n = #slot_numbers, 1, -1 do
    if slot_numbers[n] < bucket.ids_from then
      break
    end
    lists[#lists + 1], slots[#slots + 1] = read_fields(ids_key(bucket, n), digests), slot_numbers[n]
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

local function read_bucket(bucket, head)
  local keys, slots, customers = bucket.keys, bucket.slots, bucket.customers_listed
  bucket.seq, bucket.seq_before, bucket.due_soonest = head.seq, head.seq, head.due
  bucket.last_ts = bucket.count > 0 and bucket.clock_last or head.clock
  bucket.ids_from, bucket.settled_from = head.ids_from, head.settled_from
  bucket.has_charges, bucket.has_senders = head.has_charges, head.has_senders
  bucket.ids, bucket.ids_slots, bucket.ids_known = read_ids(bucket)
  bucket.masks, bucket.wallets_packed = customers.masks, read_fields(keys[KEY.WALLETS], bucket.wallet_keys)
  bucket.charge_rows = read_charges(bucket)
  bucket.senders_packed = head.has_senders and read_fields(keys[KEY.SENDERS], bucket.sender_keys) or NONE
  bucket.remember = remember_in(bucket)
  if customers.has_limits or #bucket.state_keys > 0 then
    equip(bucket)
    bucket.states = read_records(keys[KEY.STATES], state_keys(bucket, bucket.state_keys), bucket.states_packed)
  end
end
