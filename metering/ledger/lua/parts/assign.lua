-- include: allotments
-- include: put_limit
-- What a user may spend is set: what the two values become, and why not.

-- A new plain user, with the rules of the plan and those of theirs that watched the pool, which are switched off there.
local function new_user(bucket, change, customer, name, rules)
  local month, own = months_passed(bucket, customer.record, change.now) + 1, {}
  for _, rule in ipairs(rules) do
    own[#own + 1] = user_rule_of(rule, 0)
  end
  for _, rule in ipairs(change.wallet[WALLET.RULES]) do
    if rule[RULE.USER] == name and rule[RULE.PERCENT] == 0 and rule[RULE.ENABLED] == 1 and #own < RULES_MAX then
      own[#own + 1] = user_rule_of(rule, 0)
      rule[RULE.ENABLED], rule[RULE.STATE], change.touched = 0, RULE_STATE.QUIET, true
      note_rule(change, rule)
    end
  end
  return { 'user', 0, 0, allotments.month_at(bucket, customer.record, month), month, own }
end

-- What a command makes of the two values, or why it cannot: per month, total; or nil, a reason, the field.
local function wish_of(input, user, room, terms, can, is_new)
  local before = user[USER.PER_MONTH]
  local per_month = input[INPUT.PER_MONTH] or before
  if per_month > before and per_month > can[2] then
    return nil, can[2] > 0 and REASON.EXCEEDS_MAX or REASON.ALL_ASSIGNED, 'per_month'
  end
  local step = math.max(per_month - before, -math.max(room, 0))
  if terms[ALLOTMENTS.RAISE] == 'next_period' and not is_new then
    step = 0
  end
  local total = room + step
  local wanted = (input[INPUT.TOTAL] or total) + (input[INPUT.ADDED] or 0)
  if wanted > total and wanted > can[3] then
    return nil, can[3] > 0 and REASON.EXCEEDS_MAX or REASON.ALL_ASSIGNED, 'total'
  elseif wanted < math.min(total, 0) then
    return nil, REASON.AMOUNT_OUT_OF_RANGE, 'total'
  end
  return per_month, wanted
end

local function is_out_of_range(user, limit, step)
  return math.abs(step) >= MICROS_LIMIT or math.abs(limit[LIMIT.CAP] + step) >= MICROS_LIMIT
    or math.abs(limits.room(limit) + step) >= MICROS_LIMIT or math.abs(user[USER.ASSIGNED] + step) >= MICROS_LIMIT
end

-- Give a new user a place among those who have an allotment.
local function admit(bucket, change, customer, terms, name, user, limit)
  local users = { unpack(terms[ALLOTMENTS.USERS]) }
  users[#users + 1] = name
  terms[ALLOTMENTS.USERS] = users
  customer.record[CUSTOMER.LIMITS_COUNT] = customer.record[CUSTOMER.LIMITS_COUNT] + 1
  limits.announce(bucket, customer, allotments.limit_id(name))
  bucket.customers_dirty[customer.name] = customer.record
  set_timer(bucket, allotments.timer(customer.name, name), user[USER.NEXT])
end

-- Set what a user may spend: `known` is the user's record, false for one who has no allotment yet.
local function assign(bucket, i, input, customer, known)
  local name, change = input[INPUT.OF_USER], begin(bucket, customer.name, 'main', input[INPUT.TS])
  local terms = allotments.terms(bucket, customer.name, input[INPUT.ALLOTMENT_TERMS])
  local id = allotments.limit_id(name)
  local user = known and { unpack(known) } or { 'user', 0, 0, 0, 0, {} }
  local limit = known and { unpack(limits.of(bucket, customer.name, id)) }
    or limits.make(bucket, customer, 'user', 'allotment', name, change.now)
  local room = limits.room(limit)
  local can, short = allotments.assignable(bucket, change, customer, terms, name, user[USER.PER_MONTH])
  local per_month, total, field = wish_of(input, user, room, terms, can, not known)
  if per_month and is_out_of_range(user, limit, total - room) then
    per_month, total, field = nil, REASON.AMOUNT_OUT_OF_RANGE, 'total'
  end
  if not per_month then
    return emit_plain(bucket, i, KIND.REFUSED, total, DECIDED.NONE,
      { allotment = allotments.line(name, user, limit, 0, 0, field, can) })
  end
  if not known then
    user = new_user(bucket, change, customer, name, input[INPUT.USER_RULES])
    admit(bucket, change, customer, terms, name, user, limit)
  end
  user[USER.PER_MONTH], user[USER.ASSIGNED] = per_month, user[USER.ASSIGNED] + total - room
  limit[LIMIT.CAP] = limit[LIMIT.CAP] + total - room
  if total > 0 then
    limit[LIMIT.REACHED] = 0
  end
  allotments.keep_terms(bucket, change.states, customer.name, terms)
  keep_state(bucket, change.states, customer.name, KEPT.USER, name, user)
  limits.keep(bucket, change.states, customer.name, id, limit)
  limits.follow_user(bucket, change, id, room, limit)
  can = allotments.assignable_with(can, short, per_month)
  local extras = { allotment = allotments.line(name, user, limit, total - room, 0, false, can) }
  extras.settings = not known and { unpack(customer.record) } or nil
  return finish(bucket, i, change, KIND.ASSIGNED, 0, DECIDED.NONE, false, extras)
end
