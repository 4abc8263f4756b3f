-- include: handlers
-- include: recipients
-- Outcomes: commit, release, or note. The table of docs/ledger-rules.md, cell by cell.

-- Charge what has happened without a hold: below zero if need be, since the message did go out.
local function debit_late(bucket, i, change, key, charge, price, extras)
  if charge_out_of_range(change, charge, price, 0) then
    return note(bucket, i, change, REASON.AMOUNT_OUT_OF_RANGE)
  end
  debit(change.wallet, price, change.lots)
  charge[CHARGE.STATE] = STATE.COMMITTED
  charge[CHARGE.COMMITTED] = charge[CHARGE.COMMITTED] + price
  extras = settle_all_recipients(charge) or extras
  keep_charge(bucket, key, charge, change.now)
  return finish(bucket, i, change, KIND.DEBITED, REASON.LATE, DECIDED.NONE, charge, extras)
end

-- End the hold of a single charge: `price` is charged (0 = none), what is left of the hold is released.
local function settle_whole(bucket, i, change, key, charge, price, state, kind, extras)
  if charge_out_of_range(change, charge, price, charge[CHARGE.HELD]) then
    return note(bucket, i, change, REASON.AMOUNT_OUT_OF_RANGE)
  end
  settle_parts(change.wallet, charge, price, change.lots)
  release_parts(change.wallet, charge, change.lots)
  extras = state == STATE.COMMITTED and settle_all_recipients(charge) or extras
  charge[CHARGE.STATE] = state
  keep_charge(bucket, key, charge, change.now)
  return finish(bucket, i, change, kind, 0, DECIDED.NONE, charge, extras)
end

local function settle_held(bucket, i, input, change, key, charge, moment)
  local recipient = input[INPUT.TO]
  local fee = nil
  if moment >= MOMENT.FAILED then
    fee = moment == MOMENT.FAILED and charge[CHARGE.FEE] or 0
  elseif moment < charge[CHARGE.CHARGE_ON] then
    return note(bucket, i, change, 0)
  end
  if charge[CHARGE.RECIPIENTS] and recipient then
    return settle_recipient(bucket, i, change, key, charge, recipient, fee)
  end
  if fee then
    return settle_whole(bucket, i, change, key, charge, fee, fee > 0 and STATE.COMMITTED or STATE.RELEASED,
      fee > 0 and KIND.COMMITTED or KIND.RELEASED)
  end
  local price = charge[CHARGE.HELD]
  if input[INPUT.ACTUAL] == 1 and input[INPUT.PRICE] >= 0 and not charge[CHARGE.RECIPIENTS] then
    price, change.own_price = input[INPUT.PRICE], true
  end
  return settle_whole(bucket, i, change, key, charge, price, STATE.COMMITTED, KIND.COMMITTED)
end

local function outcome(bucket, i, input, customer)
  local now, moment = input[INPUT.TS], input[INPUT.MOMENT]
  local key = bucket.charge_keys[input[INPUT.CHARGE]]
  local charge = charge_of(bucket, key, now)
  local name = charge and charge[CHARGE.WALLET] or bucket.wallet_names[input[INPUT.WALLET]]
  local change = begin(bucket, customer.name, name, now)
  if not change then
    return note(bucket, i, nil, REASON.UNKNOWN_WALLET)
  end
  local state = charge and charge[CHARGE.STATE]
  if state == STATE.HELD then
    return settle_held(bucket, i, input, change, key, charge, moment)
  end
  if moment >= MOMENT.FAILED then
    if charge then
      return note(bucket, i, change, REASON.SETTLED)
    end
    local failed = { STATE.RELEASED, name, 0, 0, 0, input[INPUT.CHARGE_ON], 0, 0, {}, false, false, 0, false }
    keep_charge(bucket, key, failed, now)
    return finish(bucket, i, change, KIND.NOTED, REASON.UNKNOWN_CHARGE, DECIDED.NONE, failed)
  end
  if state == STATE.COMMITTED then
    return note(bucket, i, change, moment >= charge[CHARGE.CHARGE_ON] and REASON.SETTLED or 0)
  end
  local several = charge and charge[CHARGE.RECIPIENTS]
  local agreed = charge and (several or charge[CHARGE.PRICE] > 0 or state ~= STATE.RELEASED)
  if moment < (agreed and charge[CHARGE.CHARGE_ON] or input[INPUT.CHARGE_ON]) then
    return note(bucket, i, change, agreed and 0 or REASON.UNKNOWN_CHARGE)
  end
  if several and input[INPUT.TO] then
    return debit_recipient_late(bucket, i, change, key, charge, input[INPUT.TO])
  end
  local price = agreed and price_left(charge) or input[INPUT.PRICE]
  change.own_price = not agreed
  if price < 0 then
    return note(bucket, i, change, REASON.UNKNOWN_CHARGE)
  end
  charge = charge or { STATE.COMMITTED, name, price, 0, 0, input[INPUT.CHARGE_ON], 0, 0, {}, false, false, 0, false }
  return debit_late(bucket, i, change, key, charge, price)
end

handlers[OP.OUTCOME] = outcome
