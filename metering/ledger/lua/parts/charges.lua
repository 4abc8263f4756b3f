-- include: slots
-- include: timers
-- include: lots
-- include: charge_records
-- include: place_among
-- Charges: what ties the events of one message together. Held ones live until settled or expired; settled and denied
-- ones are remembered in window slots, so that late and repeated outcomes meet them.

-- The packed charge of a timer, which no input announced.
local function read_charge(bucket, key)
  local packed = redis.call('HGET', bucket.keys[KEY.CHARGES], key)
  bucket.charges_stored[key] = packed and true or nil
  for n = #bucket.slots, 1, -1 do
    packed = packed or redis.call('HGET', settled_key(bucket, n), key)
  end
  return packed
end

-- Unpack the charge at a place, which counts as it is unpacked from now on; what the plain path did with it is still to be
-- written.
local function take_charge(bucket, key, at)
  local packed, slot = bucket.charge_rows[at], bucket.charge_slots[at]
  local charge = packed and unpack_charge(packed) or false
  bucket.charge_rows[at], bucket.charge_slots[at] = false, nil
  if slot ~= nil then
    bucket.charges_dirty[key] = true
  else
    bucket.charges_stored[key] = charge and charge[CHARGE.STATE] == STATE.HELD or nil
  end
  if slot == false then
    set_timer(bucket, 'h\0' .. key, charge[CHARGE.DEADLINE])
  end
  return charge
end

-- The charge by its key (customer, U+0000, charge), or nil where it is unknown or forgotten at `now`. A call has it
-- packed or unpacked, never both.
local function charge_of(bucket, key, now)
  local charge = bucket.charges[key]
  if not charge then
    -- False: not known when it was asked for, and the plain path may have kept it since.
    local at = place_among(bucket, 'charge_keys', key)
    if at and (charge == nil or bucket.charge_rows[at]) then
      charge = take_charge(bucket, key, at)
    elseif charge == nil then
      local packed = read_charge(bucket, key)
      charge = packed and unpack_charge(packed) or false
    end
    bucket.charges[key] = charge
  end
  if charge and charge[CHARGE.STATE] ~= STATE.HELD
    and not slot_is_live(bucket, slot_of(bucket, charge[CHARGE.TOUCHED]), now) then
    return nil
  end
  return charge or nil
end

-- Keep a charge in its new state; a settled one loses its deadline.
local function keep_charge(bucket, key, charge, now)
  if charge[CHARGE.STATE] ~= STATE.HELD and charge[CHARGE.DEADLINE] > 0 then
    clear_timer(bucket, 'h\0' .. key)
    charge[CHARGE.DEADLINE] = 0
  end
  charge[CHARGE.TOUCHED] = now
  bucket.charges[key] = charge
  bucket.charges_dirty[key] = true
end

-- Give back held parts, as free credit of the lots they came from; what is overdrawn is paid first.
local function release(wallet, parts, changes)
  for n = 1, #parts do
    local id, part = parts[n][1], parts[n][2]
    wallet[WALLET.HELD] = wallet[WALLET.HELD] - part
    if id == '' then
      wallet[WALLET.HELD_OVER] = wallet[WALLET.HELD_OVER] - part
    else
      local lot = find_lot(wallet, id)
      lot[LOT.HELD] = lot[LOT.HELD] - part
      note_lot(changes, lot, 0, -part)
    end
  end
  pay_overdrawn(wallet, changes)
end

-- Give back all that is held of a charge.
local function release_parts(wallet, charge, changes)
  release(wallet, charge[CHARGE.PARTS], changes)
  charge[CHARGE.PARTS], charge[CHARGE.HELD] = {}, 0
end

-- Charge `amount` against what is held: from the parts first, an excess from free credit, below zero if need be.
local function settle_parts(wallet, charge, amount, changes)
  local held = charge[CHARGE.HELD]
  local covered = amount < held and amount or held
  charge[CHARGE.PARTS] = consume(wallet, charge[CHARGE.PARTS], covered, changes)
  charge[CHARGE.HELD] = held - covered
  charge[CHARGE.COMMITTED] = charge[CHARGE.COMMITTED] + amount
  if amount > covered then
    debit(wallet, amount - covered, changes)
  end
end

-- Split parts in two: the first `amount` of them, and the rest.
local function split_parts(parts, amount)
  local given, rest, left = {}, {}, amount
  for n = 1, #parts do
    local part = parts[n][2]
    local used = part < left and part or left
    if used > 0 then
      given[#given + 1] = { parts[n][1], used }
      left = left - used
    end
    if part > used then
      rest[#rest + 1] = { parts[n][1], part - used }
    end
  end
  return given, rest
end
