-- include: states
-- include: rules
-- Low-credit rules of a user who has an allotment: they judge the user's own total, and stand with the user.

local STATE_NAMES = { [RULE_STATE.ARMED] = 'armed', [RULE_STATE.LOW] = 'low', [RULE_STATE.QUIET] = 'quiet' }
local STATE_CODES = { armed = RULE_STATE.ARMED, low = RULE_STATE.LOW, quiet = RULE_STATE.QUIET }

-- A wallet's rule as a user's, for a total: name, state, level, rearm, enabled, fixed. `was` is the one that it replaces.
local function user_rule_of(rule, total, was)
  local state = first_state(rule, total, was and STATE_CODES[was[2]])
  return { rule[RULE.ID], STATE_NAMES[state], rule[RULE.LEVEL], rule[RULE.REARM], rule[RULE.ENABLED], rule[RULE.FIXED] }
end

-- Move a user's rules from the total `before` to the total `after`, and note their alerts.
local function judge_user(bucket, change, name, before, after)
  local user = before ~= after and state_of(bucket, change.customer, KEPT.USER, name)
  if not user or #user[USER.RULES] == 0 then
    return
  end
  local rules, has_moved = {}, false
  for n, rule in ipairs(user[USER.RULES]) do
    local as_wallets = { rule[1], STATE_CODES[rule[2]], rule[3], rule[4] }
    local alert = rule[5] == 1 and move_rule(as_wallets, before, after)
    local state = STATE_NAMES[as_wallets[RULE.STATE]]
    has_moved = has_moved or state ~= rule[2]
    rules[n] = { rule[1], state, rule[3], rule[4], rule[5], rule[6] }
    if alert then
      change.alerts = change.alerts or {}
      table.insert(change.alerts, { alert, rule[1], rule[3], name, '', after })
    end
  end
  if has_moved then
    user = { unpack(user) }
    user[USER.RULES] = rules
    keep_state(bucket, change.states, change.customer, KEPT.USER, name, user)
  end
end
