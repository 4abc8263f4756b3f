-- include: alert_rules
-- include: sweeps
-- The alert rules of another plan take the place of those of the plan before. What the customer has set itself stays.

-- Put a rule of the plan at a place. One with the same level goes on in its state.
local function put_rule(change, place, given)
  local rules = change.wallet[WALLET.RULES]
  local known, rule = rules[place], { unpack(given) }
  if rule[RULE.PERCENT] > 0 then
    rule[RULE.LEVEL] = percent_of(change.wallet[WALLET.TOPPED_UP], rule[RULE.PERCENT])
    rule[RULE.REARM] = rule[RULE.LEVEL] + 1
  end
  if known and known[RULE.LEVEL] == rule[RULE.LEVEL] and known[RULE.REARM] == rule[RULE.REARM]
    and known[RULE.ENABLED] == rule[RULE.ENABLED] then
    rule[RULE.STATE] = known[RULE.STATE]
  else
    rule[RULE.STATE] = first_state(rule, change.available, known and known[RULE.STATE])
  end
  for n = 1, #rule do
    if not known or known[n] ~= rule[n] then
      rules[place], change.touched = rule, true
      note_rule(change, rule)
      return
    end
  end
end

-- A rule that the new plan does not have is switched off; one that the customer has set keeps its level, unless the new
-- plan fixes it, and locks only where the new plan's does.
local function apply_rules(change, given)
  if is_closed(change.wallet) then
    return
  end
  local rules, wanted = change.wallet[WALLET.RULES], {}
  for n = 1, #given do
    wanted[given[n][RULE.ID]] = given[n]
  end
  for n = 1, #rules do
    local id = rules[n][RULE.ID]
    local new, rule = wanted[id], { unpack(rules[n]) }
    wanted[id] = nil
    rule[RULE.LOCKS] = new and new[RULE.LOCKS] or 0
    if rule[RULE.FIXED] > 0 and not new then
      rule[RULE.ENABLED], rule[RULE.FIXED] = 0, 2
    elseif new and (rule[RULE.FIXED] > 0 or new[RULE.FIXED] == 1) then
      rule = new
    end
    put_rule(change, n, rule)
  end
  for n = 1, #given do
    if wanted[given[n][RULE.ID]] and #rules < RULES_MAX then
      put_rule(change, #rules + 1, given[n])
    end
  end
end

function sweeps.rules(_, main, sweep)
  return function(change)
    if change ~= main then
      apply_rules(change, sweep[SWEEP.RULES])
    end
  end, KIND.SETTINGS_CHANGED, 0
end
