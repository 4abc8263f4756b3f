-- include: limits
-- include: blocks
-- include: timers
-- What a limit without room sets off: one alert a window, and blocks of senders until the window ends or room is made.

local function window_timer(customer, id)
  return 'w\0' .. customer .. '\0' .. id
end

-- Tell once a window that a limit is reached. `list` is where the entry notes its alerts.
function limits.reach(change, id, limit)
  if limit[LIMIT.REACHED] == 0 then
    limit[LIMIT.REACHED] = 1
    change.alerts = change.alerts or {}
    table.insert(change.alerts, { ALERT.LIMIT_REACHED, id, limit[LIMIT.CAP], '' })
  end
end

-- Block a sender that found no room; a limit remembers at most SENDERS_BLOCKED_MAX, the others are merely denied.
function limits.block(bucket, change, id, limit, sender)
  if #limit[LIMIT.BLOCKED] >= SENDERS_BLOCKED_MAX then
    return
  end
  local key = change.customer .. '\0' .. sender
  local more = { until_ms = limit[LIMIT.ENDS] }
  if block_sender_for(bucket, blocks_noted(change), key, sender, CAUSE.LIMIT_REACHED, change.now, more) then
    local blocked, is_known = { unpack(limit[LIMIT.BLOCKED]) }, false
    for n = 1, #blocked do
      is_known = is_known or blocked[n] == sender
    end
    if not is_known then
      blocked[#blocked + 1] = sender
    end
    limit[LIMIT.BLOCKED] = blocked
    if limit[LIMIT.ENDS] > 0 then
      set_timer(bucket, window_timer(change.customer, id), limit[LIMIT.ENDS])
    end
  end
end

-- Lift what a limit blocks. `list` is where the entry notes its blocks.
function limits.unblock(bucket, list, customer, id, limit)
  local blocked = limit[LIMIT.BLOCKED]
  if #blocked == 0 then
    return
  end
  limit[LIMIT.BLOCKED] = {}
  clear_timer(bucket, window_timer(customer, id))
  for n = 1, #blocked do
    unblock_sender_from(bucket, list, customer .. '\0' .. blocked[n], blocked[n], CAUSE.LIMIT_REACHED)
  end
end

-- The limit at present, to count in or to deny by. Where its timer is late, the blocks of the window before go first.
function limits.enter(bucket, change, id)
  local stored = limits.of(bucket, change.customer, id)
  local limit = limits.at(bucket, bucket.customer.record, stored, change.now)
  if limit[LIMIT.ENDS] ~= stored[LIMIT.ENDS] and #limit[LIMIT.BLOCKED] > 0 then
    limits.unblock(bucket, blocks_noted(change), change.customer, id, limit)
  end
  return limit
end
