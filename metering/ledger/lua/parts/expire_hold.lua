-- include: change
-- include: charges
-- include: timer_names
-- Timer `h`, customer, charge: the deadline of a hold. What it held is free again.

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
  note_alert(change, ALERT.HOLD_EXPIRED)
  finish(bucket, -i, change, KIND.EXPIRED, REASON.HOLD, DECIDED.NONE, charge, extras)
  return true
end
