-- include: write_and_drop
-- include: charge_records
-- include: slots
-- include: equipment
-- Write the charges that the call changed: open holds in one hash, what is settled in that of its slot.

local function append_pair(list, first, second)
  local last = #list
  list[last + 1], list[last + 2] = first, second
end

local function list_of(lists, slot)
  local list = lists[slot] or {}
  lists[slot] = list
  return list
end

-- Charges that the plain path kept, by their places, and their deadlines; into the lists given.
local function collect_kept(bucket, held, settled, gone)
  local keys, rows, slots, deadlines = bucket.charge_keys, bucket.charge_rows, bucket.charge_slots, bucket.charge_deadlines
  local due, done, count = {}, {}, 0
  local slot_before, list, last = nil, nil, 0
  for at = 1, bucket.charges_kept do
    local slot, key = slots[at], keys[at]
    if slot then
      if slot ~= slot_before then
        slot_before, list = slot, list_of(settled, slot)
        last = #list
      end
      list[last + 1], list[last + 2] = key, rows[at]
      last = last + 2
    elseif slot == false then
      held[count + 1], held[count + 2] = key, rows[at]
      due[count + 1], due[count + 2] = deadlines[at], 'h\0' .. key
      count = count + 2
    end
  end
  for n = 1, #bucket.charges_gone do
    gone[n], done[n] = bucket.charges_gone[n], 'h\0' .. bucket.charges_gone[n]
  end
  bucket.timers_written = bucket.timers_written or count + #done > 0
  write_many('ZADD', bucket.keys[KEY.TIMERS], due)
  write_many('ZREM', bucket.keys[KEY.TIMERS], done)
end

-- Charges of both kinds, with the timers of those that the plain path kept. Returns by slot what is settled and still to be
-- written.
local function save_charges(bucket)
  if bucket.charges_kept == 0 and not bucket.is_equipped then
    return NONE
  end
  local held, gone, settled = {}, {}, {}
  if bucket.charges_kept > 0 then
    collect_kept(bucket, held, settled, gone)
  end
  for key in pairs(bucket.charges_dirty) do
    local charge = bucket.charges[key]
    if charge[CHARGE.STATE] == STATE.HELD then
      append_pair(held, key, pack_charge(charge))
    else
      append_pair(list_of(settled, slot_of(bucket, charge[CHARGE.TOUCHED])), key, pack_charge(charge))
      if bucket.charges_stored[key] then
        gone[#gone + 1] = key
      end
    end
  end
  bucket.has_charges = stays_there(bucket.has_charges, write_and_drop(bucket.keys[KEY.CHARGES], held, gone))
  return settled
end
