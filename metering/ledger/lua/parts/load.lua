-- include: write_many
-- The call's view of the bucket: what its inputs will touch is read in bulk, the rest when it is met; written at the end.

-- HMGET of many fields into `into` by field; absent ones become false.
local function fetch(key, fields, into, marks)
  for first = 1, #fields, 1000 do
    local last = math.min(first + 999, #fields)
    local packed = redis.call('HMGET', key, unpack(fields, first, last))
    for n = first, last do
      local value = packed[n - first + 1]
      if value then
        into[fields[n]] = cmsgpack.unpack(value)
        if marks then
          marks[fields[n]] = true
        end
      elseif into[fields[n]] == nil then
        into[fields[n]] = false
      end
    end
  end
end

local function read_bucket(header, head, keys, slot_numbers, inputs, last_ts)
  local bucket = {
    number = header.bucket, keys = keys, seq = head.seq, results = {}, last_ts = last_ts,
    slots = slot_numbers, slot_ms = header.slot_ms, window_ms = header.window_ms,
    command_window_ms = header.command_window_ms,
    customers_dirty = {}, wallets = {}, wallets_dirty = {}, wallet_names = header.wallet_names,
    charges = {}, charges_dirty = {}, charges_stored = {}, charge_keys = header.charge_keys,
    senders = {}, senders_dirty = {}, sender_keys = header.sender_keys,
    commands = {}, commands_dirty = {}, ids = {}, ids_new = {}, states = {}, states_dirty = {}, zones = {}, zones_new = header.zones, names_new = {},
    timers_set = {}, due = {}, due_next = 1, due_new = {}, due_read = 0, due_more = true,
  }
  fetch(keys.wallets, header.wallet_keys, bucket.wallets)
  fetch(keys.senders, header.sender_keys, bucket.senders)
  fetch(keys.states, header.state_keys, bucket.states)
  if #header.charge_keys > 0 then
    for n = 1, #slot_numbers do
      fetch(keys.settled[n], header.charge_keys, bucket.charges)
    end
    fetch(keys.charges, header.charge_keys, bucket.charges, bucket.charges_stored)
  end
  local digests = {}
  for i = 1, #inputs do
    local op = inputs[i][INPUT.OP]
    digests[i] = op > 0 and op < OP.OPEN_CUSTOMER and inputs[i][INPUT.ID] or ''
  end
  for n = 1, #slot_numbers do
    bucket.ids[n] = redis.call('HMGET', keys.ids[n], unpack(digests))
  end
  return bucket
end

-- Read the customers of the call; the index of the first whose settings are not those it was priced with, if any.
local function read_customers(key, listed)
  local names = {}
  for n = 1, #listed do
    names[n] = listed[n][1]
  end
  local packed = #names > 0 and redis.call('HMGET', key, unpack(names)) or {}
  local customers, stale = {}, nil
  for n = 1, #listed do
    local record = packed[n] and cmsgpack.unpack(packed[n]) or nil
    if (record and record[CUSTOMER.VERSION] or 0) ~= listed[n][2] then
      stale = stale or n
    end
    customers[n] = { name = listed[n][1], record = record,
      policy = { overdraft = listed[n][3], switches = listed[n][4] } }
  end
  return customers, stale
end
