-- Low credit: per rule one alert when available goes from above to at-or-below the level, one when it is armed again.
local function check_rules(change, before, after)
  local rules = change.wallet[WALLET.RULES]
  for n = 1, #rules do
    local rule = rules[n]
    local state = rule[RULE.STATE]
    if rule[RULE.ENABLED] == 1 then
      local alert = nil
      if state == RULE_STATE.ARMED then
        if before > rule[RULE.LEVEL] and after <= rule[RULE.LEVEL] then
          state, alert = RULE_STATE.LOW, ALERT.LOW
        end
      elseif after >= rule[RULE.REARM] then
        if state == RULE_STATE.LOW then
          alert = ALERT.RECOVERED
        end
        state = RULE_STATE.ARMED
      end
      if state ~= rule[RULE.STATE] then
        rule[RULE.STATE] = state
        change.rules = change.rules or {}
        change.rules[#change.rules + 1] = { rule[RULE.ID], state, rule[RULE.LEVEL], rule[RULE.REARM], 1 }
      end
      if alert then
        change.alerts = change.alerts or {}
        change.alerts[#change.alerts + 1] = { alert, rule[RULE.ID], rule[RULE.LEVEL] }
      end
    end
  end
end
