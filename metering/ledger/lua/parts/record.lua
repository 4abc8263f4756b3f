-- include: handlers
-- include: objections
-- include: credit
-- What has already happened, and what is corrected afterwards.

local function record(bucket, i, input, customer)
  local price = input[INPUT.PRICE]
  local change = begin(bucket, customer.name, bucket.wallet_names[input[INPUT.WALLET]], input[INPUT.TS])
  local reason = not change and REASON.UNKNOWN_WALLET or out_of_range(change, -price) and REASON.AMOUNT_OUT_OF_RANGE
  if reason then
    return emit_plain(bucket, i, KIND.DENIED, reason, DECIDED.NONE)
  end
  own_price(change)
  local overdraft, sender_key = overdraft_of(customer.policy, false), bucket.sender_keys[input[INPUT.SENDER]]
  reason = 0
  debit(change.wallet, price, change.lots)
  if price > change.available + overdraft then
    reason = REASON.OVERDRAWN
    block_for_want(bucket, change, sender_key, sender_name(customer, sender_key), 1, overdraft)
  end
  return finish(bucket, i, change, KIND.DEBITED, reason, DECIDED.NONE, false)
end

local function adjust_charge(bucket, i, input, customer)
  local now, amount = input[INPUT.TS], input[INPUT.PRICE]
  local key = bucket.charge_keys[input[INPUT.CHARGE]]
  local charge = key and charge_of(bucket, key, now)
  local name = charge and charge[CHARGE.WALLET] or bucket.wallet_names[input[INPUT.WALLET]]
  local change = begin(bucket, customer.name, name, now)
  local reason = not change and REASON.UNKNOWN_WALLET or out_of_range(change, -amount) and REASON.AMOUNT_OUT_OF_RANGE
  if reason then
    return emit_plain(bucket, i, KIND.DENIED, reason, DECIDED.NONE)
  end
  if amount > 0 then
    debit(change.wallet, amount, change.lots)
  elseif amount < 0 then
    credit(bucket, change, -amount, 'fro', 0, 1, 0)
  end
  return finish(bucket, i, change, KIND.ADJUSTED, charge and 0 or REASON.UNKNOWN_CHARGE, DECIDED.NONE, false)
end

handlers[OP.RECORD] = record
handlers[OP.ADJUST_CHARGE] = adjust_charge
