-- include: change
-- include: refusals
-- include: user_rules
-- Command `set_alert` for a user who has an allotment: the rule judges the user's total, and stands with the user.

-- The user whose total a rule is about; false where it is about the wallet.
local function user_of_rule(bucket, input, customer, change)
  local name = input[INPUT.RULE_USER]
  if name == '' or change.name ~= 'main' or input[INPUT.RULE_PERCENT] > 0 then
    return false
  end
  local user = state_of(bucket, customer.name, KEPT.USER, name)
  return user and user[USER.ROLE] == 'user' and user
end

local function set_user_alert(bucket, i, input, change, user)
  local name, rules, at = input[INPUT.RULE_USER], { unpack(user[USER.RULES]) }, #user[USER.RULES] + 1
  for n = 1, #rules do
    at = rules[n][1] == input[INPUT.RULE] and n or at
  end
  local known, limit = rules[at], limits.of(bucket, change.customer, 'user:allotment:' .. name)
  if known and known[6] == 1 then
    return refuse(bucket, i, REASON.RULE_FIXED)
  elseif input[INPUT.RULE_REARM] <= input[INPUT.RULE_LEVEL] then
    return refuse(bucket, i, REASON.INVALID_LEVEL)
  elseif at > RULES_MAX then
    return refuse(bucket, i, REASON.TOO_MANY)
  end
  rules[at] = user_rule_of({ input[INPUT.RULE], 0, input[INPUT.RULE_LEVEL], input[INPUT.RULE_REARM],
    input[INPUT.RULE_ENABLED], 0, 0, 0, name }, limits.room(limit), known)
  user = { unpack(user) }
  user[USER.RULES] = rules
  keep_state(bucket, change.states, change.customer, KEPT.USER, name, user)
  return finish(bucket, i, change, KIND.SETTINGS_CHANGED, 0, DECIDED.NONE, false)
end
