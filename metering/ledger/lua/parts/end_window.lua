-- include: change
-- include: timer_names
-- Timer `w`, customer, limit: its window is over, and with it what it blocks.
local function end_window(bucket, i, timer, now)
  local customer, id = parts_of(timer[2])
  local stored = limits.of(bucket, customer, id)
  if not stored or #stored[LIMIT.BLOCKED] == 0 then
    return false
  end
  local limit, blocks, states = { unpack(stored) }, {}, {}
  limits.unblock(bucket, blocks, customer, id, limit)
  limits.keep(bucket, states, customer, id, limit)
  emit_plain(bucket, -i, KIND.UNBLOCKED, REASON.LIMIT_REACHED, DECIDED.NONE,
    { customer = customer, due_at_ms = timer[1], states = states, blocks = #blocks > 0 and blocks or nil })
  return true
end
