-- include: write_many
-- include: charge_records
-- include: slots
-- include: customers
-- include: wallet_of
-- include: timers
-- Write what the call changed. Everything was computed before, so no error can come between two writes.

local function hash_writes(dirty, records)
  local set, del = {}, {}
  for field in pairs(dirty) do
    if records[field] then
      set[#set + 1] = field
      set[#set + 1] = cmsgpack.pack(records[field])
    else
      del[#del + 1] = field
    end
  end
  return set, del
end

local function save_hash(key, dirty, records)
  local set, del = hash_writes(dirty, records)
  write_many('HSET', key, set)
  write_many('HDEL', key, del)
end

local function save_customers(bucket)
  local set = {}
  for name, record in pairs(bucket.customers_dirty) do
    set[#set + 1] = name
    set[#set + 1] = pack_customer(record)
  end
  write_many('HSET', bucket.keys.customers, set)
end

-- Wallets in either form.
local function save_wallets(bucket)
  local set = {}
  for at, plain in pairs(bucket.plain) do
    if plain[PLAIN.CHANGED] then
      set[#set + 1] = bucket.wallet_keys[at]
      set[#set + 1] = pack_plain(plain)
    end
  end
  for key in pairs(bucket.wallets_dirty) do
    set[#set + 1] = key
    set[#set + 1] = pack_wallet(bucket.wallets[key])
  end
  write_many('HSET', bucket.keys.wallets, set)
end

-- Charges, packed or not: open holds in one hash, what is settled in that of its slot. Returns the latter by slot.
local function save_charges(bucket)
  local held, gone, settled = {}, {}, {}
  for key, slot in pairs(bucket.charges_dirty) do
    local charge, packed = bucket.charges[key], bucket.charges_packed[key]
    if charge then
      packed = pack_charge(charge)
      slot = charge[CHARGE.STATE] ~= STATE.HELD and slot_of(bucket, charge[CHARGE.TOUCHED])
    end
    local list = held
    if slot then
      list = settled[slot] or {}
      settled[slot] = list
      if bucket.charges_stored[key] then
        gone[#gone + 1] = key
      end
    end
    list[#list + 1] = key
    list[#list + 1] = packed
  end
  write_many('HSET', bucket.keys.charges, held)
  write_many('HDEL', bucket.keys.charges, gone)
  return settled
end

local function save_slots(bucket, settled)
  local place = {}
  for n = 1, #bucket.slots do
    place[bucket.slots[n]] = n
  end
  for slot, list in pairs(settled) do
    write_many('HSET', bucket.keys.settled[place[slot]], list)
  end
  local runs = bucket.ids_runs
  for n = 1, #runs do
    local last = runs[n + 1] and runs[n + 1].first - 1 or bucket.ids_count
    write_many('HSET', bucket.keys.ids[place[runs[n].slot]], bucket.ids_written, runs[n].first, last)
  end
end

local function save_timers(bucket)
  local set, del = {}, {}
  local due_before, text
  for name, due in pairs(bucket.timers_set) do
    if due and due ~= NEVER_STORED then
      if due ~= due_before then
        due_before, text = due, string.format('%.0f', due)
      end
      set[#set + 1] = text
      set[#set + 1] = name
    elseif not due then
      del[#del + 1] = name
    end
  end
  write_many('ZADD', bucket.keys.timers, set)
  write_many('ZREM', bucket.keys.timers, del)
end

-- Drop window slots that nothing can meet any more. Returns the oldest that is left.
local function drop_dead_slots(bucket, clock)
  local oldest = 0
  for n = 1, #bucket.slots do
    if slot_is_live(bucket, bucket.slots[n], clock) then
      oldest = oldest > 0 and oldest or bucket.slots[n]
    else
      redis.call('UNLINK', bucket.keys.ids[n], bucket.keys.settled[n])
    end
  end
  return oldest
end

-- Time zones that the call brought.
local function save_zones(bucket)
  local set = {}
  for name, zone in pairs(bucket.zones_new) do
    set[#set + 1] = name
    set[#set + 1] = cmsgpack.pack(zone)
  end
  write_many('HSET', bucket.keys.zones, set)
end

-- Wallets that the call opened, in the index by name.
local function save_names(bucket)
  local set = {}
  for key in pairs(bucket.names_new) do
    set[#set + 1] = '0'
    set[#set + 1] = key
  end
  write_many('ZADD', bucket.keys.names, set)
end

local function save_bucket(bucket)
  save_wallets(bucket)
  save_customers(bucket)
  save_hash(bucket.keys.senders, bucket.senders_dirty, bucket.senders)
  save_hash(bucket.keys.states, bucket.states_dirty, bucket.states)
  save_hash(bucket.keys.commands, bucket.commands_dirty, bucket.commands)
  save_slots(bucket, save_charges(bucket))
  save_timers(bucket)
  save_zones(bucket)
  save_names(bucket)
end
