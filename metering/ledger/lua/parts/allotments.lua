-- include: limits
-- include: number_fees
-- include: percent_of
-- include: load
-- Users' allotments: what each may spend of the company pool, and what can still be assigned.

local allotments = {}
local TERMS_ID = 'plan'

function allotments.limit_id(user)
  return 'user:allotment:' .. user
end

function allotments.timer(customer, user)
  return 'u\0' .. customer .. '\0' .. user
end

-- The customer's terms, false where there are no users; with `given`, those that a command brings, to be kept.
function allotments.terms(bucket, customer, given)
  local known = state_of(bucket, customer, KEPT.ALLOTMENTS, TERMS_ID)
  if not given then
    return known
  end
  local terms = { unpack(given, 1, ALLOTMENTS.RESERVE_PERCENT) }
  terms[ALLOTMENTS.USERS] = known and known[ALLOTMENTS.USERS] or {}
  return terms
end

-- Keep the terms, where they are not what is kept already.
function allotments.keep_terms(bucket, notes, customer, terms)
  local known = state_of(bucket, customer, KEPT.ALLOTMENTS, TERMS_ID)
  local is_new = not known
  for place = 1, ALLOTMENTS.USERS do
    is_new = is_new or known[place] ~= terms[place]
  end
  if is_new then
    keep_state(bucket, notes, customer, KEPT.ALLOTMENTS, TERMS_ID, terms)
  end
end

-- The keys of the records of users and of their limits, made once a call, and those records read in one go.
local function keys_of_users(bucket, customer, users)
  bucket.users_of = bucket.users_of or {}
  local known = bucket.users_of[customer]
  if known and known.users == users then
    return known
  end
  local keys, missing = { users = users }, {}
  local of_user, of_limit = state_key(customer, KEPT.USER, ''), state_key(customer, KEPT.LIMIT, allotments.limit_id(''))
  for n = 1, #users do
    keys[2 * n - 1], keys[2 * n] = of_user .. users[n], of_limit .. users[n]
  end
  for n = 1, #keys do
    if bucket.states[keys[n]] == nil then
      missing[#missing + 1] = keys[n]
    end
  end
  for key, record in pairs(read_records(bucket.keys[KEY.STATES], missing)) do
    bucket.states[key] = record
  end
  bucket.users_of[customer] = keys
  return keys
end

-- What others than `name` have: assigned by the month, assigned in this month, and left to spend.
local function sums_of_others(bucket, customer, users, name)
  local per_month, assigned, left = 0, 0, 0
  local keys, states = keys_of_users(bucket, customer, users), bucket.states
  for n = 1, #users do
    if users[n] ~= name then
      local limit = states[keys[2 * n]]
      per_month = per_month + states[keys[2 * n - 1]][USER.PER_MONTH]
      assigned = assigned + limit[LIMIT.CAP]
      left = left + math.max(limits.room(limit), 0)
    end
  end
  return per_month, assigned, left
end

local function share_of_month(amount, cycle)
  local months = math.max(cycle[CYCLE.MONTHS], 1)
  return (amount - amount % months) / months
end

-- What the plan grants by the month, as the customer's cycle has it (a plan without cycles, in all), and what of it
-- can be assigned: less the reserve, and what the phone numbers cost.
local function credits_of(bucket, customer, terms)
  local cycle = cycle_of(bucket, customer)
  if not cycle then
    return 0, -terms[ALLOTMENTS.RESERVE] - number_fees_of(bucket, customer)
  end
  local credits = share_of_month(cycle[CYCLE.GRANT], cycle)
  return credits, share_of_month(cycle[CYCLE.GRANT] - number_fees_of(bucket, customer), cycle)
    - terms[ALLOTMENTS.RESERVE] - percent_of(credits, terms[ALLOTMENTS.RESERVE_PERCENT])
end

-- What can be assigned once a user has another amount by the month: only the shortfall is another.
function allotments.assignable_with(can, short_before, per_month)
  return { can[1], can[2], can[3], math.min(math.max(short_before + per_month, 0), MICROS_LIMIT - 1) }
end

-- When a user's month begins; all users of a customer share their months, so it is found once a call.
function allotments.month_at(bucket, record, month)
  bucket.months_at = bucket.months_at or {}
  local key = table.concat({ record[CUSTOMER.TIME_ZONE], record[CUSTOMER.BILLING_START], month }, ' ')
  bucket.months_at[key] = bucket.months_at[key] or month_at(bucket, record, month)
  return bucket.months_at[key]
end

-- What can be assigned to the user `name` (any other where that is nobody), and by how much the plan falls short, given
-- what the user has by the month: {company total, greatest per month, greatest total, shortfall}; then by how much it
-- falls short without that user. Docs: "Allotments".
function allotments.assignable(bucket, change, customer, terms, name, per_month)
  local others_per_month, assigned, left = sums_of_others(bucket, customer.name, terms[ALLOTMENTS.USERS], name)
  local credits, plan_left = credits_of(bucket, customer, terms)
  local pool = change.available
  local own = name and limits.of(bucket, customer.name, allotments.limit_id(name))
  local spent = own and own[LIMIT.USED] + own[LIMIT.HELD] or 0
  local total = plan_left - assigned - spent
  if terms[ALLOTMENTS.BASIS] == 'company_total' then
    total = pool - (credits - plan_left) - left
  end
  local can = { pool, math.max(math.min(plan_left - others_per_month, pool), 0), math.max(math.min(total, pool), 0) }
  return allotments.assignable_with(can, others_per_month - plan_left, per_month), others_per_month - plan_left
end

-- A line of a user's total, as the entry tells it.
function allotments.line(name, user, limit, step, lapsed, field, assignable)
  return { name, step, lapsed, user[USER.ASSIGNED], limit and limits.room(limit) or false,
    limit and user[USER.PER_MONTH] or false, field or false, assignable or false }
end

-- A change of plan, or its end: its terms are kept, and the entry tells whether the plan still covers what is assigned.
function allotments.follow_plan(bucket, change, customer, given, extras)
  local terms = allotments.terms(bucket, customer.name)
  if terms then
    terms = allotments.terms(bucket, customer.name, given or terms)
    allotments.keep_terms(bucket, change.states, customer.name, terms)
    local can = allotments.assignable(bucket, change, customer, terms, nil, 0)
    extras.allotment = { '', 0, 0, 0, false, false, false, can }
  end
  return extras
end
