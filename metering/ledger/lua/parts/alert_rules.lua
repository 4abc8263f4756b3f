-- include: handlers
-- include: refusals
-- include: profiles
-- include: user_alerts
-- Alert rules as a wallet is given them by its plan, and as a command changes them.

-- Give a new wallet the rules of its plan: those that are switched off too, so that they can be switched on.
local function give_rules(change, rules)
  local given = {}
  for n = 1, #rules do
    given[n] = { unpack(rules[n]) }
    given[n][RULE.STATE] = first_state(given[n], change.available)
    note_rule(change, given[n])
  end
  change.wallet[WALLET.RULES] = given
end

-- Where a rule of that name stands, or would.
local function place_of_rule(rules, name)
  for n = 1, #rules do
    if rules[n][RULE.ID] == name then
      return n
    end
  end
  return #rules + 1
end

local function set_alert(bucket, i, input, customer)
  local change = begin(bucket, customer.name, bucket.wallet_names[input[INPUT.WALLET]], input[INPUT.TS])
  local level, rearm, percent = input[INPUT.RULE_LEVEL], input[INPUT.RULE_REARM], input[INPUT.RULE_PERCENT]
  if not change then
    return refuse(bucket, i, REASON.UNKNOWN_WALLET)
  elseif is_closed(change.wallet) then
    return refuse(bucket, i, REASON.WALLET_CLOSED)
  end
  local user = user_of_rule(bucket, input, customer, change)
  if user then
    return set_user_alert(bucket, i, input, change, user)
  elseif percent > 0 then
    level = percent_of(change.wallet[WALLET.TOPPED_UP], percent)
    rearm = level + 1
  end
  local rules = change.wallet[WALLET.RULES]
  local at = place_of_rule(rules, input[INPUT.RULE])
  local known = rules[at]
  if known and known[RULE.FIXED] == 1 then
    return refuse(bucket, i, REASON.RULE_FIXED)
  elseif rearm <= level then
    return refuse(bucket, i, REASON.INVALID_LEVEL)
  elseif at > RULES_MAX then
    return refuse(bucket, i, REASON.TOO_MANY)
  end
  local rule = { input[INPUT.RULE], 0, level, rearm, input[INPUT.RULE_ENABLED], percent, known and known[RULE.LOCKS] or 0,
    0, input[INPUT.RULE_USER] }
  rule[RULE.STATE] = first_state(rule, change.available, known and known[RULE.STATE])
  rules[at] = rule
  note_rule(change, rule)
  change.touched = true
  return finish(bucket, i, change, KIND.SETTINGS_CHANGED, 0, DECIDED.NONE, false)
end

handlers[OP.SET_ALERT] = set_alert
