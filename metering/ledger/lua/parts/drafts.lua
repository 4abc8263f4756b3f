-- include: objections
-- Drafts: what would it cost, and is there enough? Holds nothing, remembers no charge, blocks nobody.

local function check_draft(bucket, i, input, customer)
  local price, switches = input[INPUT.PRICE], customer.policy.switches
  local change = begin(bucket, customer.name, bucket.wallet_names[input[INPUT.WALLET]], input[INPUT.TS])
  local reason = objection(change, customer)
  own_price(change)
  if not reason and change.wallet[WALLET.BLOCK] and has_flag(switches, SWITCH.ALL_FEATURES) then
    reason = REASON.ACCOUNT_LOCKED
  end
  if reason then
    return deny(bucket, i, change, reason, DECIDED.DENIED)
  end
  local spendable = change.available + overdraft_of(customer.policy, has_flag(input[INPUT.FLAGS], FLAG.SCHEDULED))
  local total = limits.spendable_of_user(bucket, change)
  local short_of = price <= spendable and REASON.LIMIT_REACHED or limits.want(bucket, change)
  spendable = total and math.min(total, spendable) or spendable
  if price <= spendable then
    return finish(bucket, i, change, KIND.NOTED, 0, DECIDED.ALLOWED, false)
  end
  change.alerts = { { ALERT.SHORT, '', math.min(price - spendable, MICROS_LIMIT - 1), '' } }
  local extras, refuses = { granted = { GRANT.CREDIT, spendable, price } }, has_flag(switches, SWITCH.REFUSES_DRAFTS)
  return finish(bucket, i, change, refuses and KIND.DENIED or KIND.NOTED, short_of,
    refuses and DECIDED.DENIED or DECIDED.ALLOWED, false, extras)
end
