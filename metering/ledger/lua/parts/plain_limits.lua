-- include: limit_sorts
-- include: plain_entries
-- The plain path of customers with limits: a text that is charged at once, and leaves room in each limit that it meets.

-- MessagePack around a limit that is told of: an array of four that begins with its kind and ends with 0, not gone.
local NOTE_HEAD, NOTE_END = string.char(148, KEPT.LIMIT), string.char(0)

-- The limits that input `i` meets, each with more room than `price`: {mask, id, key, ...}; nil in doubt.
local function limits_with_room(bucket, i, mask, now, price)
  local met, states = bucket.met[i], bucket.states
  if not met or met[1] ~= mask then
    return nil
  end
  for n = 3, #met, 2 do
    local limit = states[met[n]]
    if limit == nil then
      return nil
    elseif limit then
      local window, ends = limit[LIMIT.WINDOW], limit[LIMIT.ENDS]
      if window == 'cycle' or window == 'allotment' or (ends > 0 and ends <= now)
        or limit[LIMIT.CAP] - limit[LIMIT.USED] - limit[LIMIT.HELD] <= price then
        return nil
      end
    end
  end
  return met
end

-- Tell of a limit as it is before the plain path counts in it: {kind, id, record, 0}, packed, as Python reads a noted state.
-- Returns its place among those told of; `limit_places` forgets that when the general rules change it.
local function tell_limit(bucket, key, id, limit)
  local told, packed = bucket.limits_told, bucket.states_packed[key]
  if bucket.states_dirty[key] or not packed then
    packed = cmsgpack.pack(limit)
  end
  local place = #told + 1
  told[place] = NOTE_HEAD .. cmsgpack.pack(id) .. packed .. NOTE_END
  bucket.limit_places[key], bucket.limits_before[place] = place, packed
  return place
end

-- Count `price` in the limits met. Returns whether there were any.
local function count_in_limits(bucket, met, price)
  local states, dirty, places, figures = bucket.states, bucket.states_dirty, bucket.limit_places, bucket.limits_figures
  local count_at = #figures + 1
  local last = count_at
  for n = 3, #met, 2 do
    local key = met[n]
    local limit = states[key]
    if limit then
      local place, used = places[key] or tell_limit(bucket, key, met[n - 1], limit), limit[LIMIT.USED] + price
      limit[LIMIT.USED], dirty[key] = used, true
      -- The count stands before them.
      figures[count_at] = 0
      figures[last + 1], figures[last + 2] = place, used
      last = last + 2
    end
  end
  if last == count_at then
    return false
  end
  figures[count_at] = (last - count_at) / 2
  return true
end
