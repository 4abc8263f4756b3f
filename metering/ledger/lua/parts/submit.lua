-- include: change
-- include: charges
-- Submissions and extensions: may it go out, and what does it cost? Checks in the order of docs/ledger-rules.md.

local function new_charge(change, state, price, input, sender)
  local recipients = state ~= STATE.COMMITTED and input[INPUT.RECIPIENTS] or false
  return { state, change.name, price, 0, 0, input[INPUT.CHARGE_ON], input[INPUT.FEE], 0, {}, sender or false, recipients, 0 }
end

-- Why a customer that is blocked as a whole is denied: the first of its causes.
local function reason_of(causes)
  for _, cause in ipairs({ CAUSE.SUSPENDED, CAUSE.SPAM, CAUSE.NO_PLAN }) do
    if has_cause(causes, cause) then
      return REASON_OF_CAUSE[cause]
    end
  end
  return REASON.BLOCKED
end

-- The first of the checks that hold for submissions and extensions alike; nil where none objects.
local function objection(bucket, change, customer, sender_key, passes_blocks)
  if customer.record[CUSTOMER.CAUSES] > 0 then
    return reason_of(customer.record[CUSTOMER.CAUSES])
  end
  if not change then
    return REASON.UNKNOWN_WALLET
  end
  if not passes_blocks and (change.wallet[WALLET.BLOCK] or (sender_key and sender_of(bucket, sender_key))) then
    return REASON.BLOCKED
  end
  return nil
end

-- Deny without a change of balance. A denied charge that has a name is remembered with its price.
local function deny(bucket, i, change, reason, decision, charge, key)
  if not change then
    return emit_plain(bucket, i, KIND.DENIED, reason, decision)
  end
  if charge then
    keep_charge(bucket, key, charge, change.now)
  end
  local recipients = charge and charge[CHARGE.RECIPIENTS]
  finish(bucket, i, change, KIND.DENIED, reason, decision, charge, recipients and { recipients = recipients } or nil)
end

local function has_flag(flags, flag)
  return flags % (2 * flag) >= flag
end

local function submit(bucket, i, input, customer)
  local now, price, flags = input[INPUT.TS], input[INPUT.PRICE], input[INPUT.FLAGS]
  local received = has_flag(flags, FLAG.RECEIVED)
  local decision = received and DECIDED.NONE or DECIDED.DENIED
  local key, sender_key = bucket.charge_keys[input[INPUT.CHARGE]], bucket.sender_keys[input[INPUT.SENDER]]
  local change = begin(bucket, customer.name, bucket.wallet_names[input[INPUT.WALLET]], now)
  local reason = objection(bucket, change, customer, nil, true)
  local charge = key and charge_of(bucket, key, now)
  if not reason and charge then
    local state = charge[CHARGE.STATE]
    if state == STATE.HELD then
      reason = REASON.CHARGE_EXISTS
    elseif state ~= STATE.DENIED then
      return emit_plain(bucket, i, KIND.NOTED, REASON.SETTLED, received and DECIDED.NONE or DECIDED.ALLOWED)
    end
  end
  reason = reason or objection(bucket, change, customer, sender_key, received)
  local remembered = key and (has_flag(flags, FLAG.REMEMBER) or input[INPUT.CHARGE_ON] ~= MOMENT.SUBMIT)
  local sender = sender_name(customer, sender_key)
  if not reason and price > change.available + customer.policy.overdraft then
    reason = REASON.INSUFFICIENT_CREDIT
    if has_flag(flags, FLAG.SINGLE) and not received then
      block_for_want(bucket, change, customer, sender_key,
        math.max(price, customer.policy.block_level + 1))
    end
  end
  if not reason and out_of_range(change, 0, price) then
    reason = REASON.AMOUNT_OUT_OF_RANGE
  end
  if reason then
    -- An amount out of range is no price to remember. A charge that lives, or has been settled, stays what it is.
    local replaceable = not charge or charge[CHARGE.STATE] == STATE.DENIED
    local denied = change and remembered and replaceable and reason ~= REASON.AMOUNT_OUT_OF_RANGE
      and new_charge(change, STATE.DENIED, price, input, sender)
    return deny(bucket, i, change, reason, decision, denied, key)
  end
  if decision == DECIDED.DENIED then
    decision = DECIDED.ALLOWED
  end
  if input[INPUT.CHARGE_ON] == MOMENT.SUBMIT then
    debit(change.wallet, price, change.lots)
    local committed = false
    if remembered then
      committed = new_charge(change, STATE.COMMITTED, price, input, sender)
      committed[CHARGE.COMMITTED] = price
      keep_charge(bucket, key, committed, now)
    end
    return finish(bucket, i, change, KIND.DEBITED, 0, decision, committed)
  end
  local held = new_charge(change, STATE.HELD, price, input, sender)
  held[CHARGE.HELD] = price
  held[CHARGE.PARTS] = hold(change.wallet, price, change.lots, {})
  held[CHARGE.DEADLINE] = input[INPUT.DEADLINE]
  keep_charge(bucket, key, held, now)
  set_timer(bucket, 'h\0' .. key, held[CHARGE.DEADLINE])
  return finish(bucket, i, change, KIND.RESERVED, 0, decision, held,
    held[CHARGE.RECIPIENTS] and { recipients = held[CHARGE.RECIPIENTS] } or nil)
end

local function extend(bucket, i, input, customer)
  local now, price = input[INPUT.TS], input[INPUT.PRICE]
  local key, sender_key = bucket.charge_keys[input[INPUT.CHARGE]], bucket.sender_keys[input[INPUT.SENDER]]
  local charge = charge_of(bucket, key, now)
  local name = charge and charge[CHARGE.WALLET] or bucket.wallet_names[input[INPUT.WALLET]]
  local change = begin(bucket, customer.name, name, now)
  local reason = objection(bucket, change, customer, sender_key, false)
  if not reason and (not charge or charge[CHARGE.STATE] ~= STATE.HELD or charge[CHARGE.RECIPIENTS]) then
    reason = REASON.UNKNOWN_CHARGE
  end
  if not reason and price > change.available + customer.policy.overdraft then
    reason = REASON.INSUFFICIENT_CREDIT
    block_for_want(bucket, change, customer, sender_key, math.max(price, customer.policy.block_level + 1))
  end
  if not reason and out_of_range(change, 0, price) then
    reason = REASON.AMOUNT_OUT_OF_RANGE
  end
  if reason then
    return deny(bucket, i, change, reason, DECIDED.DENIED)
  end
  local parts = { unpack(charge[CHARGE.PARTS]) }
  charge[CHARGE.PARTS] = hold(change.wallet, price, change.lots, parts)
  charge[CHARGE.HELD] = charge[CHARGE.HELD] + price
  charge[CHARGE.PRICE] = charge[CHARGE.PRICE] + price
  charge[CHARGE.DEADLINE] = input[INPUT.DEADLINE]
  keep_charge(bucket, key, charge, now)
  set_timer(bucket, 'h\0' .. key, charge[CHARGE.DEADLINE])
  return finish(bucket, i, change, KIND.EXTENDED, 0, DECIDED.ALLOWED, charge)
end
