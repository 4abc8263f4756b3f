-- include: objections
-- What comes in is debited at once, never blocks, and gets no decision. Docs: "Received events" of ledger-rules.md.

local function receive(bucket, i, input, customer)
  local price, flags, switches = input[INPUT.PRICE], input[INPUT.FLAGS], customer.policy.switches
  local change = begin(bucket, customer.name, bucket.wallet_names[input[INPUT.WALLET]], input[INPUT.TS])
  local reason = objection(change, customer)
  own_price(change)
  if not reason and price > 0 and change.wallet[WALLET.BLOCK] and has_flag(switches, SWITCH.ALL_FEATURES) then
    reason = REASON.ACCOUNT_LOCKED
  end
  if not reason and out_of_range(change, -price) then
    reason = REASON.AMOUNT_OUT_OF_RANGE
  end
  local told = 0
  if not reason and price > 0 and price > change.available + overdraft_of(customer.policy, false) then
    if has_flag(switches, SWITCH.INBOUND_NEGATIVE) then
      told = REASON.OVERDRAWN
    elseif has_flag(switches, SWITCH.INBOUND_REFUSED) or has_flag(flags, FLAG.FEATURE) then
      reason = limits.want(bucket, change)
    else
      return finish(bucket, i, change, KIND.NOTED, REASON.INSUFFICIENT_CREDIT, DECIDED.NONE, false)
    end
  end
  if not reason and price > 0 then
    reason = limits.objection(bucket, change, nil, price, false)
  end
  if reason then
    return deny(bucket, i, change, reason, DECIDED.NONE)
  end
  debit(change.wallet, price, change.lots)
  return finish(bucket, i, change, KIND.DEBITED, told, DECIDED.NONE, false)
end
