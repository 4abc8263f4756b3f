-- include: change
-- include: profiles
-- include: charges
-- What is checked before credit is, and how a denial is told.

local function has_flag(flags, flag)
  return flags % (2 * flag) >= flag
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

-- The first of the checks that hold for whatever costs credit; nil where none objects.
local function objection(change, customer)
  if customer.record[CUSTOMER.CAUSES] > 0 then
    return reason_of(customer.record[CUSTOMER.CAUSES])
  end
  if not change then
    return REASON.UNKNOWN_WALLET
  end
  return profile_objection(change.wallet)
end

local function objection_of_blocks(bucket, change, sender_key)
  if change.wallet[WALLET.BLOCK] or (sender_key and sender_of(bucket, sender_key)) then
    return REASON.BLOCKED
  end
  return nil
end

-- How far below zero a submission may go. Where scheduled messages go out until the flag is set, the limit is theirs.
local function overdraft_of(policy, is_scheduled)
  if has_flag(policy.switches, SWITCH.SEND_UNTIL_FLAG) and not is_scheduled then
    return 0
  end
  return policy.overdraft
end

-- What the entry holds, takes or denies is the price of the event itself.
local function own_price(change)
  if change then
    change.own_price = true
  end
end

-- Deny without a change of balance. A denied charge that has a name is remembered with its price.
local function deny(bucket, i, change, reason, decision, charge, key, extras)
  if not change then
    return emit_plain(bucket, i, KIND.DENIED, reason, decision)
  end
  if charge then
    keep_charge(bucket, key, charge, change.now)
  end
  local recipients = charge and charge[CHARGE.RECIPIENTS]
  if recipients then
    extras = extras or {}
    extras.recipients = recipients
  end
  finish(bucket, i, change, KIND.DENIED, reason, decision, charge, extras)
end
