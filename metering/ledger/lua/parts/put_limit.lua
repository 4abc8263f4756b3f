-- include: limit_path
-- include: commands
-- include: handlers
-- Command `put_limit`: set a cap, change it, or take it away.

-- Note in the customer's record that limits of this sort may be there, so that events bring what they meet.
function limits.announce(bucket, customer, id)
  local record = customer.record
  local sort = limits.sorts()[string.match(id, '^%l+:%l+:')]
  if math.floor(record[CUSTOMER.LIMITS] / sort[1]) % 2 == 0 then
    record[CUSTOMER.LIMITS] = record[CUSTOMER.LIMITS] + sort[1]
    record[CUSTOMER.VERSION] = record[CUSTOMER.VERSION] + 1
  end
end

-- A new limit, empty, in the window that holds `now`.
function limits.make(bucket, customer, level, window, name, now)
  local starts, ends = 0, 0
  if window ~= 'allotment' then
    starts, ends = window_in(bucket, customer, window, now)
  end
  return { level, window, name, 0, 0, 0, 0, starts, ends, bucket.seq + 1, 0, {} }
end

local function put_limit(bucket, i, input, customer)
  local id, cap, record, extras = input[INPUT.LIMIT], input[INPUT.CAP], customer.record, { states = {}, blocks = {} }
  local stored, now = limits.of(bucket, customer.name, id), input[INPUT.TS]
  if not cap and not stored then
    return refuse(bucket, i, REASON.UNKNOWN_LIMIT)
  elseif not stored and record[CUSTOMER.LIMITS_COUNT] >= LIMITS_MAX then
    return refuse(bucket, i, REASON.TOO_MANY)
  end
  local limit = stored and limits.at(bucket, record, stored, now)
    or limits.make(bucket, customer, input[INPUT.LIMIT_LEVEL], input[INPUT.LIMIT_WINDOW], input[INPUT.LIMIT_NAME], now)
  local count = (cap and 1 or 0) - (stored and 1 or 0)
  limit[LIMIT.CAP], limit[LIMIT.CARRY] = cap or limit[LIMIT.CAP], cap and input[INPUT.CARRY] or limit[LIMIT.CARRY]
  local is_new_window = stored and limit[LIMIT.ENDS] ~= stored[LIMIT.ENDS]
  if not cap or is_new_window or limits.room(limit) > 0 then
    limit[LIMIT.REACHED] = 0
    limits.unblock(bucket, extras.blocks, customer.name, id, limit)
  end
  limits.keep(bucket, extras.states, customer.name, id, limit)
  if not cap then
    drop_state(bucket, extras.states, customer.name, KEPT.LIMIT, id)
  end
  if count ~= 0 then
    record[CUSTOMER.LIMITS_COUNT] = record[CUSTOMER.LIMITS_COUNT] + count
    if cap then
      limits.announce(bucket, customer, id)
    end
    bucket.customers_dirty[customer.name] = record
    extras.settings = { unpack(record) }
  end
  extras.blocks = #extras.blocks > 0 and extras.blocks or nil
  return emit_plain(bucket, i, KIND.SETTINGS_CHANGED, 0, DECIDED.NONE, extras)
end

handlers[OP.PUT_LIMIT] = put_limit
