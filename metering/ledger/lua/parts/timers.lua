-- include: bytes_before
-- include: head
-- The call's view of the timers: what is due by its last input, soonest first, then by name; and what to write back.
-- Two sorted lists: `due` as read from Redis, `due_new` set by this call. Nothing is written before the end of the
-- call, so reading on by offset stays true. `due_soonest`: nothing is due before it.

local function set_timer(bucket, name, due)
  bucket.timers_set[name] = due
  if due <= bucket.last_ts then
    local list = bucket.due_new
    local at = #list + 1
    while at > 1 and (list[at - 1][1] > due or (list[at - 1][1] == due and bytes_before(name, list[at - 1][2]))) do
      at = at - 1
    end
    table.insert(list, at, { due, name })
    bucket.due_soonest = math.min(bucket.due_soonest, due)
  end
end

local function clear_timer(bucket, name)
  bucket.timers_set[name] = false
end

local function read_timers(bucket)
  local read = redis.call('ZRANGEBYSCORE', bucket.keys[KEY.TIMERS], '-inf', string.format('%.0f', bucket.last_ts),
    'WITHSCORES', 'LIMIT', bucket.due_read, 256)
  bucket.due, bucket.due_next = {}, 1
  for n = 1, #read, 2 do
    bucket.due[#bucket.due + 1] = { tonumber(read[n + 1]), read[n] }
  end
  bucket.due_read = bucket.due_read + #read / 2
  bucket.due_more = #read == 512
end

-- When the soonest timer is due once the call's are written. `before` is what it was before the call.
local function soonest_after(bucket, before)
  if before ~= NOBODY_KNOWS and not bucket.timers_written then
    return before
  end
  return tonumber(redis.call('ZRANGE', bucket.keys[KEY.TIMERS], 0, 0, 'WITHSCORES')[2] or NEVER_DUE)
end

-- Whether a timer may be due at `now`.
local function is_due(bucket, now)
  if bucket.due_soonest > now then
    return false
  end
  if bucket.due_read == 0 and bucket.due_more then
    read_timers(bucket)
  end
  local stored, fresh = bucket.due[bucket.due_next], bucket.due_new[1]
  if not stored and bucket.due_more then
    return true
  end
  bucket.due_soonest = math.min(stored and stored[1] or math.huge, fresh and fresh[1] or math.huge)
  return bucket.due_soonest <= now
end

-- The next timer due at `now`, or nil. One that was set anew or cleared by this call since it was read is passed over.
local function next_timer(bucket, now)
  while true do
    if bucket.due_next > #bucket.due and bucket.due_more then
      read_timers(bucket)
    end
    local stored, fresh = bucket.due[bucket.due_next], bucket.due_new[1]
    local timer = stored
    if fresh and (not stored or fresh[1] < stored[1] or (fresh[1] == stored[1] and bytes_before(fresh[2], stored[2]))) then
      timer = fresh
    end
    if not timer or timer[1] > now then
      return nil
    end
    if timer == fresh then
      table.remove(bucket.due_new, 1)
    else
      bucket.due_next = bucket.due_next + 1
    end
    local set = bucket.timers_set[timer[2]]
    if set == nil or set == timer[1] then
      bucket.timers_set[timer[2]] = false
      return timer
    end
  end
end
