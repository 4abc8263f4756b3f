-- include: write_many
-- include: save_charges
-- include: customers
-- include: wallet_of
-- include: timers
-- include: equipment
-- Write what the call changed. Everything was computed before, so no error can come between two writes.

-- A limit in which the plain path alone counted since it was packed: what is used is another, all else the same.
local function pack_counted(before, used)
  local at = unpack_values(before, LIMIT.USED - 1, 1)
  local behind = unpack_values(before, 1, at)
  return string.sub(before, 1, at) .. cmsgpack.pack(used) .. string.sub(before, behind + 1)
end

local function save_hash(key, dirty, records, pack_one)
  local set, del = {}, {}
  for field in pairs(dirty) do
    local record = records[field]
    if record then
      append_pair(set, field, pack_one(record, field))
    else
      del[#del + 1] = field
    end
  end
  return write_and_drop(key, set, del)
end

local function pack_record(record)
  return cmsgpack.pack(record)
end

local function save_states(bucket)
  local places, before = bucket.limit_places, bucket.limits_before
  save_hash(bucket.keys[KEY.STATES], bucket.states_dirty, bucket.states, function(record, key)
    local place = places[key]
    return place and pack_counted(before[place], record[LIMIT.USED]) or cmsgpack.pack(record)
  end)
end

local function save_customers(bucket)
  local set = {}
  for name, record in pairs(bucket.customers_dirty) do
    set[#set + 1] = name
    set[#set + 1] = pack_customer(record)
  end
  write_many('HSET', bucket.keys[KEY.CUSTOMERS], set)
end

-- Wallets in either form.
local function save_wallets(bucket)
  local set, last, keys, plain = {}, 0, bucket.wallet_keys, bucket.plain
  for at = 1, #keys do
    local figures = plain[at]
    if figures and figures[PLAIN.CHANGED] then
      set[last + 1], set[last + 2] = keys[at], pack_plain(figures)
      last = last + 2
    end
  end
  for key in pairs(bucket.wallets_dirty) do
    append_pair(set, key, pack_wallet(bucket.wallets[key]))
  end
  write_many('HSET', bucket.keys[KEY.WALLETS], set)
end

local function save_slots(bucket, settled)
  local place = {}
  for n = 1, #bucket.slots do
    place[bucket.slots[n]] = n
  end
  for slot, list in pairs(settled) do
    bucket.settled_from = math.min(bucket.settled_from, slot)
    write_many('HSET', settled_key(bucket, place[slot]), list)
  end
  local runs = bucket.ids_runs
  bucket.ids_from = math.min(bucket.ids_from, runs[1] and runs[1].slot or NO_SLOT)
  for n = 1, #runs do
    local last = runs[n + 1] and runs[n + 1].first - 1 or #bucket.ids_written
    write_many('HSET', ids_key(bucket, place[runs[n].slot]), bucket.ids_written, runs[n].first, last)
  end
end

local function save_timers(bucket)
  local set, del = {}, {}
  for name, due in pairs(bucket.timers_set) do
    if due then
      append_pair(set, due, name)
    else
      del[#del + 1] = name
    end
  end
  bucket.timers_written = bucket.timers_written or #set + #del > 0
  write_many('ZADD', bucket.keys[KEY.TIMERS], set)
  write_many('ZREM', bucket.keys[KEY.TIMERS], del)
end

-- Drop window slots that nothing can meet any more. Returns the oldest that is left.
local function drop_dead_slots(bucket, clock)
  local oldest = 0
  for n = 1, #bucket.slots do
    if slot_is_live(bucket, bucket.slots[n], clock) then
      oldest = oldest > 0 and oldest or bucket.slots[n]
    else
      redis.call('UNLINK', ids_key(bucket, n), settled_key(bucket, n))
    end
  end
  bucket.ids_from, bucket.settled_from = math.max(bucket.ids_from, oldest), math.max(bucket.settled_from, oldest)
  return oldest
end

-- Time zones that the call brought.
local function save_zones(bucket)
  local set = {}
  for name, zone in pairs(bucket.zones_new) do
    set[#set + 1] = name
    set[#set + 1] = cmsgpack.pack(zone)
  end
  write_many('HSET', bucket.keys[KEY.ZONES], set)
end

-- Wallets that the call opened, in the index by name.
local function save_names(bucket)
  local set = {}
  for key in pairs(bucket.names_new) do
    set[#set + 1] = '0'
    set[#set + 1] = key
  end
  write_many('ZADD', bucket.keys[KEY.NAMES], set)
end

-- What the general rules, limits and denials changed beside wallets and charges.
local function save_general(bucket)
  save_customers(bucket)
  bucket.has_senders = stays_there(bucket.has_senders,
    save_hash(bucket.keys[KEY.SENDERS], bucket.senders_dirty, bucket.senders, pack_record))
  save_states(bucket)
  save_hash(bucket.keys[KEY.COMMANDS], bucket.commands_dirty, bucket.commands, pack_record)
  save_timers(bucket)
  save_zones(bucket)
  save_names(bucket)
end

local function save_bucket(bucket)
  save_wallets(bucket)
  save_slots(bucket, save_charges(bucket))
  if bucket.is_equipped then
    save_general(bucket)
  end
end
