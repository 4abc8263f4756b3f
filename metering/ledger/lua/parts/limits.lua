-- include: handlers
-- include: states
-- include: calendar
-- include: commands
-- Limits: a cap on what is spent in a window.

local function put_limit(bucket, i, input, customer)
  local id, cap, states = input[INPUT.LIMIT], input[INPUT.CAP], {}
  local limit = state_of(bucket, customer.name, KEPT.LIMIT, id)
  if not cap then
    if not limit then
      return refuse(bucket, i, REASON.UNKNOWN_LIMIT)
    end
    drop_state(bucket, states, customer.name, KEPT.LIMIT, id)
  else
    if not limit then
      local starts, ends = window_of(bucket, customer.record, input[INPUT.LIMIT_WINDOW], input[INPUT.TS])
      limit = { input[INPUT.LIMIT_LEVEL], input[INPUT.LIMIT_WINDOW], input[INPUT.LIMIT_NAME], 0, 0, 0, 0, starts, ends }
    end
    limit[LIMIT.CAP], limit[LIMIT.CARRY] = cap, input[INPUT.CARRY]
    keep_state(bucket, states, customer.name, KEPT.LIMIT, id, limit)
  end
  return emit_plain(bucket, i, KIND.SETTINGS_CHANGED, 0, DECIDED.NONE, { states = states })
end

handlers[OP.PUT_LIMIT] = put_limit
