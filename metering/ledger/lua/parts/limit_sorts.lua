-- Which limits there may be: one sort for each level and window, a bit each in the customer's record.

local limits = {}

local sorts_made = nil

-- What a customer may have limits for, by place and by how their ids begin: {bit in CUSTOMER.LIMITS, how their ids begin,
-- level, whether of `main` alone}. Made when a call first asks: making them costs a call of few events a tenth.
function limits.sorts()
  if sorts_made then
    return sorts_made
  end
  sorts_made = {}
  for level, level_name in ipairs({ 'customer', 'wallet', 'user', 'sender', 'campaign' }) do
    for window, window_name in ipairs({ 'none', 'day', 'month', 'cycle', 'allotment' }) do
      local begins = level_name .. ':' .. window_name .. ':'
      local sort = { 2 ^ (5 * (level - 1) + window - 1), begins, level, window_name == 'allotment' }
      sorts_made[#sorts_made + 1], sorts_made[begins] = sort, sort
    end
  end
  return sorts_made
end

function limits.has_ended(limit, now)
  return limit[LIMIT.ENDS] > 0 and limit[LIMIT.ENDS] <= now
end

-- What may still be taken. Below zero it is told down to the largest amount there is.
function limits.room(limit)
  return math.max(limit[LIMIT.CAP] - limit[LIMIT.USED] - limit[LIMIT.HELD], 1 - MICROS_LIMIT)
end

-- The sorts of a mask, by level, then window.
function limits.sorts_in(bucket, mask)
  local sorts = bucket.sorts_in[mask]
  if not sorts then
    sorts = {}
    for _, sort in ipairs(limits.sorts()) do
      if math.floor(mask / sort[1]) % 2 == 1 then
        sorts[#sorts + 1] = sort
      end
    end
    bucket.sorts_in[mask] = sorts
  end
  return sorts
end

-- The ids of the limits of a mask, by level, then window; `names` by level, none where there is none.
function limits.ids_of(bucket, mask, names)
  local ids, sorts = {}, limits.sorts_in(bucket, mask)
  for n = 1, #sorts do
    local sort = sorts[n]
    local name = names[sort[3]]
    if name and (not sort[4] or names[2] == 'main') then
      ids[#ids + 1] = sort[2] .. name
    end
  end
  return ids
end
