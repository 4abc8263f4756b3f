-- include: handlers
-- include: objections
-- include: settle
-- include: call_price
-- Calls that grow and end.

-- What an extension costs: by the terms of the call where it has them, else its own price; nil without either.
local function price_of_extension(input, charge)
  local call = charge and charge[CHARGE.CALL]
  if call then
    return price_of_more(call, call[CALL.SECONDS], input[INPUT.SECONDS], call[CALL.HEADROOM], charge[CHARGE.PRICE])
  end
  return input[INPUT.PRICE] >= 0 and input[INPUT.PRICE] or nil
end

local function extend(bucket, i, input, customer)
  local now = input[INPUT.TS]
  local key, sender_key = bucket.charge_keys[input[INPUT.CHARGE]], bucket.sender_keys[input[INPUT.SENDER]]
  local charge = charge_of(bucket, key, now)
  local name = charge and charge[CHARGE.WALLET] or bucket.wallet_names[input[INPUT.WALLET]]
  local change = begin(bucket, customer.name, name, now)
  local reason = objection(change, customer) or objection_of_blocks(bucket, change, sender_key)
  if not reason and (not charge or charge[CHARGE.STATE] ~= STATE.HELD or charge[CHARGE.RECIPIENTS]) then
    reason = REASON.UNKNOWN_CHARGE
  end
  local price, call, seconds = price_of_extension(input, charge), charge and charge[CHARGE.CALL], input[INPUT.SECONDS]
  local extras = { price = price }
  if not call then
    own_price(change)
  end
  if not reason and not price then
    reason = REASON.UNPRICED
  end
  local overdraft = overdraft_of(customer.policy, false)
  if not reason and price > change.available + overdraft then
    local part, cost = 0, 0
    if call and has_flag(customer.policy.switches, SWITCH.CALL_PART) then
      part, cost = covered_seconds(call, call[CALL.SECONDS], seconds, charge[CHARGE.PRICE], change.available + overdraft)
    end
    if part > 0 then
      extras.granted, extras.price = { GRANT.SECONDS, part, seconds }, cost
      price, seconds = cost, part
    else
      reason = limits.want(bucket, change)
      block_for_want(bucket, change, sender_key, sender_name(customer, sender_key), math.max(price, 1), overdraft)
    end
  end
  if not reason and (out_of_range(change, 0, price) or charge[CHARGE.PRICE] + price >= MICROS_LIMIT) then
    reason = REASON.AMOUNT_OUT_OF_RANGE
  end
  reason = reason or limits.objection(bucket, change, charge, price, true)
  if reason then
    return deny(bucket, i, change, reason, DECIDED.DENIED, nil, nil, extras)
  end
  local parts = { unpack(charge[CHARGE.PARTS]) }
  charge[CHARGE.PARTS] = hold(change.wallet, price, change.lots, parts)
  charge[CHARGE.HELD] = charge[CHARGE.HELD] + price
  charge[CHARGE.PRICE] = charge[CHARGE.PRICE] + price
  charge[CHARGE.DEADLINE] = input[INPUT.DEADLINE]
  if call then
    charge[CHARGE.CALL] = { unpack(call) }
    charge[CHARGE.CALL][CALL.SECONDS] = call[CALL.SECONDS] + seconds
  end
  keep_charge(bucket, key, charge, now)
  set_timer(bucket, 'h\0' .. key, charge[CHARGE.DEADLINE])
  return finish(bucket, i, change, KIND.EXTENDED, 0, DECIDED.ALLOWED, charge, extras)
end

local function end_call(bucket, i, input, customer)
  local now, price = input[INPUT.TS], input[INPUT.PRICE]
  local key = bucket.charge_keys[input[INPUT.CHARGE]]
  local charge = charge_of(bucket, key, now)
  local name = charge and charge[CHARGE.WALLET] or bucket.wallet_names[input[INPUT.WALLET]]
  local change = begin(bucket, customer.name, name, now)
  if not change then
    return note(bucket, i, nil, REASON.UNKNOWN_WALLET)
  end
  local state = charge and charge[CHARGE.STATE]
  if state == STATE.COMMITTED then
    return note(bucket, i, change, REASON.SETTLED)
  end
  if charge and charge[CHARGE.CALL] then
    price = call_price(charge[CHARGE.CALL], input[INPUT.SECONDS], 0)
  else
    own_price(change)
  end
  if price < 0 then
    if state ~= STATE.HELD then
      return note(bucket, i, change, REASON.UNKNOWN_CHARGE)
    end
    price = charge[CHARGE.HELD]
  end
  if state == STATE.HELD then
    return settle_whole(bucket, i, change, key, charge, price, STATE.COMMITTED, KIND.COMMITTED, { price = price })
  end
  charge = charge or { STATE.COMMITTED, name, price, 0, 0, MOMENT.SENT, 0, 0, {}, false, false, 0, false }
  return debit_late(bucket, i, change, key, charge, price, { price = price })
end

handlers[OP.EXTEND] = extend
handlers[OP.END] = end_call
