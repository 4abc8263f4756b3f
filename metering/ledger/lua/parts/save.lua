-- include: write_many
-- include: charges
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

local function save_charges(bucket)
  local held, gone, settled = {}, {}, {}
  for key in pairs(bucket.charges_dirty) do
    local charge = bucket.charges[key]
    local packed = cmsgpack.pack(charge)
    if charge[CHARGE.STATE] == STATE.HELD then
      held[#held + 1] = key
      held[#held + 1] = packed
    else
      local slot = slot_of(bucket, charge[CHARGE.TOUCHED])
      settled[slot] = settled[slot] or {}
      local list = settled[slot]
      list[#list + 1] = key
      list[#list + 1] = packed
      if bucket.charges_stored[key] then
        gone[#gone + 1] = key
      end
    end
  end
  write_many('HSET', bucket.keys.charges, held)
  write_many('HDEL', bucket.keys.charges, gone)
  return settled
end

local function save_slots(bucket, settled)
  local ids = {}
  for digest, seen in pairs(bucket.ids_new) do
    local list = ids[seen[1]] or {}
    ids[seen[1]] = list
    list[#list + 1] = digest
    list[#list + 1] = seen[5] and cmsgpack.pack(seen[2], seen[3], seen[4], seen[5])
      or cmsgpack.pack(seen[2], seen[3], seen[4])
  end
  for n = 1, #bucket.slots do
    write_many('HSET', bucket.keys.ids[n], ids[bucket.slots[n]] or {})
    write_many('HSET', bucket.keys.settled[n], settled[bucket.slots[n]] or {})
  end
end

local function save_timers(bucket)
  local set, del = {}, {}
  for name, due in pairs(bucket.timers_set) do
    if due then
      set[#set + 1] = string.format('%.0f', due)
      set[#set + 1] = name
    else
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
  save_hash(bucket.keys.wallets, bucket.wallets_dirty, bucket.wallets)
  save_hash(bucket.keys.customers, bucket.customers_dirty, bucket.customers_dirty)
  save_hash(bucket.keys.senders, bucket.senders_dirty, bucket.senders)
  save_hash(bucket.keys.states, bucket.states_dirty, bucket.states)
  save_hash(bucket.keys.commands, bucket.commands_dirty, bucket.commands)
  save_slots(bucket, save_charges(bucket))
  save_timers(bucket)
  save_zones(bucket)
  save_names(bucket)
end
