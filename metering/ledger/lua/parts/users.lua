-- include: handlers
-- include: assign
-- Commands about users: `put_user`, `set_allotment`, `close_user`.

-- Take a user's allotment back. Returns what that makes of the line; no credit moves.
local function release_allotment(bucket, change, customer, terms, name, user)
  local id, users = allotments.limit_id(name), {}
  local limit = { unpack(limits.of(bucket, customer.name, id)) }
  -- What is missing is written off as far as the sum of all lines can be told.
  local total = math.max(limit[LIMIT.CAP] - limit[LIMIT.USED], user[USER.ASSIGNED] - (MICROS_LIMIT - 1))
  limits.unblock_user(change, limit)
  limits.keep(bucket, change.states, customer.name, id, limit)
  drop_state(bucket, change.states, customer.name, KEPT.LIMIT, id)
  for _, other in ipairs(terms[ALLOTMENTS.USERS]) do
    users[#users + 1] = other ~= name and other or nil
  end
  terms[ALLOTMENTS.USERS] = users
  allotments.keep_terms(bucket, change.states, customer.name, terms)
  user[USER.PER_MONTH], user[USER.ASSIGNED], user[USER.NEXT] = 0, user[USER.ASSIGNED] - total, 0
  user[USER.NEXT_MONTH], user[USER.RULES] = 0, {}
  clear_timer(bucket, allotments.timer(customer.name, name))
  customer.record[CUSTOMER.LIMITS_COUNT] = customer.record[CUSTOMER.LIMITS_COUNT] - 1
  bucket.customers_dirty[customer.name] = customer.record
  return total
end

-- Put a user into a shared role, or take one away: `role` is false then.
local function end_allotment(bucket, i, input, customer, known, role)
  local name, change, total = input[INPUT.OF_USER], begin(bucket, customer.name, 'main', input[INPUT.TS]), 0
  local terms = allotments.terms(bucket, customer.name, input[INPUT.ALLOTMENT_TERMS])
  local user, extras = known and { unpack(known) } or { role, 0, 0, 0, 0, {} }, {}
  if user[USER.ROLE] == 'user' then
    total = release_allotment(bucket, change, customer, terms, name, user)
    extras.settings = { unpack(customer.record) }
  end
  user[USER.ROLE] = role or user[USER.ROLE]
  keep_state(bucket, change.states, customer.name, KEPT.USER, name, user)
  if not role then
    drop_state(bucket, change.states, customer.name, KEPT.USER, name)
  end
  local can = allotments.assignable(bucket, change, customer, terms, nil, 0)
  extras.allotment = allotments.line(name, user, nil, -total, 0, false, can)
  return finish(bucket, i, change, role and KIND.ASSIGNED or KIND.USER_DELETED_RETURN, 0, DECIDED.NONE, false, extras)
end

local function put_user(bucket, i, input, customer)
  local record, known = customer.record, state_of(bucket, customer.name, KEPT.USER, input[INPUT.OF_USER])
  local role = input[INPUT.ROLE] or (known and known[USER.ROLE]) or 'user'
  if role ~= 'user' then
    if input[INPUT.PER_MONTH] or input[INPUT.TOTAL] then
      return refuse(bucket, i, REASON.SHARED_ROLE)
    end
    return end_allotment(bucket, i, input, customer, known, role)
  end
  local has_allotment, terms = known and known[USER.ROLE] == 'user', allotments.terms(bucket, customer.name)
  local users = terms and #terms[ALLOTMENTS.USERS] or 0
  if not has_allotment and (users >= USERS_MAX or record[CUSTOMER.LIMITS_COUNT] >= LIMITS_MAX) then
    return refuse(bucket, i, REASON.TOO_MANY)
  end
  return assign(bucket, i, input, customer, has_allotment and known)
end

local function set_allotment(bucket, i, input, customer)
  local known = state_of(bucket, customer.name, KEPT.USER, input[INPUT.OF_USER])
  if not known then
    return refuse(bucket, i, REASON.UNKNOWN_USER)
  elseif known[USER.ROLE] ~= 'user' then
    return refuse(bucket, i, REASON.SHARED_ROLE)
  end
  return assign(bucket, i, input, customer, known)
end

local function close_user(bucket, i, input, customer)
  local name = input[INPUT.OF_USER]
  local known, limit = state_of(bucket, customer.name, KEPT.USER, name),
    limits.of(bucket, customer.name, allotments.limit_id(name))
  if not known then
    return refuse(bucket, i, REASON.UNKNOWN_USER)
  elseif limit and limit[LIMIT.CAP] < limit[LIMIT.USED] and input[INPUT.KEEPS_NEGATIVE] == 1 then
    return refuse(bucket, i, REASON.TOTAL_NEGATIVE)
  end
  return end_allotment(bucket, i, input, customer, known, false)
end

handlers[OP.PUT_USER] = put_user
handlers[OP.SET_ALLOTMENT] = set_allotment
handlers[OP.CLOSE_USER] = close_user
