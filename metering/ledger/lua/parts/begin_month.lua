-- include: change
-- include: timer_names
-- include: customers
-- include: allotments
-- Timer `u`, customer, user: a month begins, and with it what the user has by the month. What was left goes along, or
-- lapses, as the plan has it; what is missing always goes along.

-- Whether what is left lapses.
local function lapses(terms, record)
  local rollover = terms[ALLOTMENTS.ROLLOVER]
  return rollover == 'never' or (rollover == 'only_with_rop' and record[CUSTOMER.ROP] == 0)
end

-- The limit of a month that begins with `opening` to spend, held included. Where what was left lapses, what is held of
-- it goes nowhere any more.
local function open_month(bucket, limit, opening, has_lapsed)
  limit[LIMIT.CAP], limit[LIMIT.USED] = opening, 0
  if has_lapsed then
    limit[LIMIT.HELD], limit[LIMIT.SINCE] = 0, bucket.seq + 1
  end
  if limits.room(limit) > 0 then
    limit[LIMIT.REACHED] = 0
  end
end

local function begin_month(bucket, i, timer, now)
  local customer_name, name = parts_of(timer[2])
  local customer, user = customer_named(bucket, customer_name), state_of(bucket, customer_name, KEPT.USER, name)
  if not user or user[USER.NEXT] ~= timer[1] then
    return false
  end
  local id, terms = allotments.limit_id(name), allotments.terms(bucket, customer_name)
  local change = { customer = customer_name, now = now, states = {}, blocks = {} }
  local limit = { unpack(limits.of(bucket, customer_name, id)) }
  local before, has_lapsed, reason = limits.room(limit), lapses(terms, customer.record), 0
  local left = limit[LIMIT.CAP] - limit[LIMIT.USED]
  local lapsed, added = has_lapsed and math.max(left, 0) or 0, user[USER.PER_MONTH]
  if left - lapsed + added >= MICROS_LIMIT or math.abs(user[USER.ASSIGNED] - lapsed + added) >= MICROS_LIMIT then
    added, reason = 0, REASON.AMOUNT_OUT_OF_RANGE
  end
  open_month(bucket, limit, left - lapsed + added, has_lapsed)
  user = { unpack(user) }
  user[USER.ASSIGNED] = user[USER.ASSIGNED] + added - lapsed
  user[USER.NEXT_MONTH] = user[USER.NEXT_MONTH] + 1
  user[USER.NEXT] = allotments.month_at(bucket, customer.record, user[USER.NEXT_MONTH])
  set_timer(bucket, timer[2], user[USER.NEXT])
  keep_state(bucket, change.states, customer_name, KEPT.USER, name, user)
  limits.keep(bucket, change.states, customer_name, id, limit)
  limits.follow_user(bucket, change, id, before, limit)
  emit_plain(bucket, -i, KIND.ALLOTTED, reason, DECIDED.NONE, { customer = customer_name, due_at_ms = timer[1],
    states = change.states, alerts = change.alerts, blocks = #change.blocks > 0 and change.blocks or nil,
    allotment = allotments.line(name, user, limit, added - lapsed, lapsed) })
  return true
end
