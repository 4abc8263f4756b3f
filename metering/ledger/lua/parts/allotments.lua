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

-- Have the records of many users read in one go.
local function read_users(bucket, customer, users)
  local missing = {}
  for n = 1, #users do
    for _, key in ipairs({ state_key(customer, KEPT.USER, users[n]),
      state_key(customer, KEPT.LIMIT, allotments.limit_id(users[n])) }) do
      if bucket.states[key] == nil then
        missing[#missing + 1] = key
      end
    end
  end
  for key, record in pairs(read_records(bucket.keys.states, missing)) do
    bucket.states[key] = record
  end
end

-- What others than `name` have: assigned by the month, assigned in this month, and left to spend.
local function sums_of_others(bucket, customer, users, name)
  local per_month, assigned, left = 0, 0, 0
  read_users(bucket, customer, users)
  for n = 1, #users do
    if users[n] ~= name then
      local limit = limits.of(bucket, customer, allotments.limit_id(users[n]))
      per_month = per_month + state_of(bucket, customer, KEPT.USER, users[n])[USER.PER_MONTH]
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

-- What can be assigned to the user `name` (any other where that is nobody), and by how much the plan falls short, given
-- what the user has by the month: {company total, greatest per month, greatest total, shortfall}. Docs: "Allotments".
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
  return { pool, math.max(math.min(plan_left - others_per_month, pool), 0), math.max(math.min(total, pool), 0),
    math.min(math.max(others_per_month + per_month - plan_left, 0), MICROS_LIMIT - 1) }
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
    extras.allotment = { '', 0, 0, 0, false, false, false,
      allotments.assignable(bucket, change, customer, terms, nil, 0) }
  end
  return extras
end
