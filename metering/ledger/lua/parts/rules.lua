-- include: percent_of
-- Credit alerts: per rule one when available goes from above to at-or-below the level, one when it is armed again; and
-- `exhausted` when it goes from above zero to zero or below.

local function note_alert(change, alert, rule)
  change.alerts = change.alerts or {}
  change.alerts[#change.alerts + 1] = { alert, rule and rule[RULE.ID] or '', rule and rule[RULE.LEVEL] or 0,
    rule and rule[RULE.USER] or '' }
end

local function note_rule(change, rule)
  change.rules = change.rules or {}
  change.rules[#change.rules + 1] = { unpack(rule) }
end

-- The state of a rule that is made or changed. `was` is its state before, if it is not new.
local function first_state(rule, available, was)
  if rule[RULE.ENABLED] == 0 then
    return RULE_STATE.QUIET
  elseif was == RULE_STATE.LOW and available < rule[RULE.REARM] then
    return RULE_STATE.LOW
  end
  return available <= rule[RULE.LEVEL] and RULE_STATE.QUIET or RULE_STATE.ARMED
end

-- Move one rule from `before` to `after`; its alert, if it has one to tell.
local function move_rule(rule, before, after, is_releveled)
  local state = rule[RULE.STATE]
  if state == RULE_STATE.ARMED then
    if before > rule[RULE.LEVEL] and after <= rule[RULE.LEVEL] then
      rule[RULE.STATE] = RULE_STATE.LOW
      return ALERT.LOW
    elseif is_releveled and after <= rule[RULE.LEVEL] then
      rule[RULE.STATE] = RULE_STATE.QUIET
    end
  elseif after >= rule[RULE.REARM] then
    rule[RULE.STATE] = RULE_STATE.ARMED
    return state == RULE_STATE.LOW and ALERT.RECOVERED or nil
  end
  return nil
end

-- A top-up of `amount` sets the levels of rules that are a percentage of it.
local function relevel_rules(change, amount)
  local rules = change.wallet[WALLET.RULES]
  change.wallet[WALLET.TOPPED_UP] = amount
  for n = 1, #rules do
    local percent = rules[n][RULE.PERCENT]
    if percent > 0 then
      rules[n][RULE.LEVEL] = percent_of(amount, percent)
      rules[n][RULE.REARM] = rules[n][RULE.LEVEL] + 1
      change.is_releveled = true
    end
  end
end

local function check_rules(change, before, after)
  local rules = change.wallet[WALLET.RULES]
  for n = 1, #rules do
    local rule = rules[n]
    local is_releveled = change.is_releveled and rule[RULE.PERCENT] > 0
    local state, alert = rule[RULE.STATE], nil
    if rule[RULE.ENABLED] == 1 then
      alert = move_rule(rule, before, after, is_releveled)
    end
    if is_releveled or state ~= rule[RULE.STATE] then
      note_rule(change, rule)
    end
    if alert then
      note_alert(change, alert, rule)
    end
  end
  if before > 0 and after <= 0 then
    note_alert(change, ALERT.EXHAUSTED)
  end
end
