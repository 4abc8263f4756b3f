-- include: change
-- include: charges
-- The timers due before an input: deadlines of holds, expiries of lots, and commands that are no longer remembered.

-- Timer names are a letter and parts, each after U+0000. Returns customer, second part, third part.
local function parts_of(name)
  local first = string.find(name, '\0', 3, true)
  local second = string.find(name, '\0', first + 1, true)
  if second then
    return string.sub(name, 3, first - 1), string.sub(name, first + 1, second - 1), string.sub(name, second + 1)
  end
  return string.sub(name, 3, first - 1), string.sub(name, first + 1)
end

local function expire_hold(bucket, i, timer, now)
  local customer, id = parts_of(timer[2])
  local key = customer .. '\0' .. id
  local charge = charge_of(bucket, key, now)
  if not charge or charge[CHARGE.STATE] ~= STATE.HELD or charge[CHARGE.DEADLINE] > timer[1] then
    return false
  end
  local change = begin(bucket, customer, charge[CHARGE.WALLET], now)
  release_parts(change.wallet, charge, change.lots)
  local extras = { customer = customer, charge = id, due_at_ms = timer[1], sender = charge[CHARGE.SENDER] or nil }
  charge[CHARGE.STATE] = STATE.EXPIRED
  keep_charge(bucket, key, charge, now)
  finish(bucket, -i, change, KIND.EXPIRED, REASON.HOLD, DECIDED.NONE, charge, extras)
  return true
end

local function expire_lot(bucket, i, timer, now)
  local customer, name, id = parts_of(timer[2])
  local change = begin(bucket, customer, name, now)
  local lot = change and find_lot(change.wallet, id)
  local free = lot and lot[LOT.REMAINING] - lot[LOT.HELD] or 0
  if free == 0 then
    return false
  end
  lot[LOT.REMAINING] = lot[LOT.HELD]
  change.wallet[WALLET.CREDIT] = change.wallet[WALLET.CREDIT] - free
  note_lot(change.lots, lot, -free, 0)
  finish(bucket, -i, change, KIND.EXPIRED, REASON.LOT, DECIDED.NONE, false,
    { customer = customer, due_at_ms = timer[1] })
  return true
end

local function forget_command(bucket, timer)
  bucket.commands[string.sub(timer[2], 3)] = false
  bucket.commands_dirty[string.sub(timer[2], 3)] = true
end

-- Run what is due at the input's clock, soonest first, at most `bound` effects; `already` ran before at this clock.
local function run_timers(bucket, i, now, bound, already)
  local ran = already
  while ran < bound do
    local timer = next_timer(bucket, now)
    if not timer then
      return
    end
    local letter = string.sub(timer[2], 1, 1)
    if letter == 'c' then
      forget_command(bucket, timer)
    elseif (letter == 'h' and expire_hold or expire_lot)(bucket, i, timer, now) then
      ran = ran + 1
    end
  end
end
