-- include: handlers
-- include: objections
-- include: received
-- include: drafts
-- include: call_price
-- Submissions: may it go out, and what does it cost? Checks in the order of docs/ledger-rules.md.

-- `recipients` is a flat list of recipients and prices, or false; a charge keeps them by name.
local function new_charge(change, state, price, input, sender, recipients)
  local prices = false
  if recipients and state ~= STATE.COMMITTED then
    prices = {}
    for n = 1, #recipients, 2 do
      prices[recipients[n]] = recipients[n + 1]
    end
  end
  return { state, change.name, price, 0, 0, input[INPUT.CHARGE_ON], input[INPUT.FEE], 0, {}, sender, prices, 0,
    input[INPUT.CALL] }
end

-- The first recipients that `spendable` covers, and what they cost; nothing where that is not even the first.
local function covered_part(recipients, spendable)
  local sum, last = 0, 0
  for n = 2, #recipients, 2 do
    if sum + recipients[n] > spendable then
      break
    end
    sum, last = sum + recipients[n], n
  end
  if last == 0 then
    return nil
  end
  return { unpack(recipients, 1, last) }, sum
end

-- What a charge that is there already says to a new submission of its name: a reason to deny, or true = settled.
local function met_charge(charge)
  local state = charge and charge[CHARGE.STATE]
  if state == STATE.HELD then
    return REASON.CHARGE_EXISTS
  end
  return nil, state and state ~= STATE.DENIED
end

-- Whether a submission to several may be granted in part.
local function grants_part(policy, recipients, is_scheduled)
  return recipients and has_flag(policy.switches, is_scheduled and SWITCH.SEND_UNTIL_FLAG or SWITCH.COVERED_PART)
end

-- The first seconds of a call that is not covered whole, and their price, where the plan grants them; else 0.
local function first_seconds(policy, call, is_scheduled, spendable)
  if not call or is_scheduled or not has_flag(policy.switches, SWITCH.CALL_PART) then
    return 0
  end
  return covered_seconds(call, 0, call[CALL.SECONDS], 0, spendable)
end

local function submit(bucket, i, input, customer)
  local now, price, flags = input[INPUT.TS], input[INPUT.PRICE], input[INPUT.FLAGS]
  if has_flag(flags, FLAG.RECEIVED) then
    return receive(bucket, i, input, customer)
  elseif flags >= FLAG.DRAFT then
    return check_draft(bucket, i, input, customer)
  end
  local policy, is_scheduled, recipients = customer.policy, has_flag(flags, FLAG.SCHEDULED), input[INPUT.RECIPIENTS]
  local key, sender_key = bucket.charge_keys[input[INPUT.CHARGE]], bucket.sender_keys[input[INPUT.SENDER]]
  local change = begin(bucket, customer.name, bucket.wallet_names[input[INPUT.WALLET]], now)
  local charge = key and charge_of(bucket, key, now)
  own_price(change)
  local reason, is_settled = objection(change, customer), false
  if not reason then
    reason, is_settled = met_charge(charge)
  end
  if is_settled then
    return emit_plain(bucket, i, KIND.NOTED, REASON.SETTLED, DECIDED.ALLOWED)
  end
  reason = reason or objection_of_blocks(bucket, change, sender_key)
  local is_remembered = key and (has_flag(flags, FLAG.REMEMBER) or input[INPUT.CHARGE_ON] ~= MOMENT.SUBMIT)
  local sender, extras = sender_name(customer, sender_key), nil
  local spendable = change and change.available + overdraft_of(policy, is_scheduled)
  if not reason and price > spendable then
    local part, sum = nil, nil
    if grants_part(policy, recipients, is_scheduled) then
      part, sum = covered_part(recipients, spendable)
    end
    local seconds, cost = first_seconds(policy, input[INPUT.CALL], is_scheduled, spendable)
    if seconds > 0 then
      extras = { granted = { GRANT.SECONDS, seconds, input[INPUT.CALL][CALL.SECONDS] } }
      input[INPUT.CALL][CALL.SECONDS], price = seconds, cost
    elseif part then
      extras = { granted = { GRANT.RECIPIENTS, #part / 2, #recipients / 2 } }
      recipients, price, change.granted = part, sum, #part / 2
    else
      reason = limits.want(bucket, change)
      if has_flag(flags, FLAG.SINGLE) and (not is_scheduled or has_flag(policy.switches, SWITCH.SEND_UNTIL_FLAG)) then
        block_for_want(bucket, change, sender_key, sender, math.max(price, 1), overdraft_of(policy, false))
      end
    end
  end
  if not reason and out_of_range(change, 0, price) then
    reason = REASON.AMOUNT_OUT_OF_RANGE
  end
  if not reason then
    reason = limits.objection(bucket, change, nil, price, has_flag(flags, FLAG.SINGLE))
  end
  if reason then
    -- An amount out of range is no price to remember. A charge that lives, or has been settled, stays what it is.
    local is_replaceable = not charge or charge[CHARGE.STATE] == STATE.DENIED
    local denied = change and is_remembered and is_replaceable and reason ~= REASON.AMOUNT_OUT_OF_RANGE
      and new_charge(change, STATE.DENIED, price, input, sender, recipients)
    return deny(bucket, i, change, reason, DECIDED.DENIED, denied, key)
  end
  if input[INPUT.CHARGE_ON] == MOMENT.SUBMIT then
    debit(change.wallet, price, change.lots)
    local committed = false
    if is_remembered then
      committed = new_charge(change, STATE.COMMITTED, price, input, sender, recipients)
      committed[CHARGE.COMMITTED] = price
      keep_charge(bucket, key, committed, now)
    end
    return finish(bucket, i, change, KIND.DEBITED, 0, DECIDED.ALLOWED, committed, extras)
  end
  local held = new_charge(change, STATE.HELD, price, input, sender, recipients)
  held[CHARGE.HELD] = price
  held[CHARGE.PARTS] = hold(change.wallet, price, change.lots, {})
  held[CHARGE.DEADLINE] = input[INPUT.DEADLINE]
  keep_charge(bucket, key, held, now)
  set_timer(bucket, 'h\0' .. key, held[CHARGE.DEADLINE])
  if held[CHARGE.RECIPIENTS] then
    extras = extras or {}
    extras.recipients = held[CHARGE.RECIPIENTS]
  end
  return finish(bucket, i, change, KIND.RESERVED, 0, DECIDED.ALLOWED, held, extras)
end

handlers[OP.SUBMIT] = submit
