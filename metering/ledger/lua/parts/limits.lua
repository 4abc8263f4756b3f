-- include: states
-- include: cycle_windows
-- include: windows_since
-- include: blocks
-- include: takes
-- include: limit_sorts
-- Limits: a cap on what is spent at one level, in one window, of one name; room = cap - used - held. Which of them an
-- event meets, and how their windows follow each other.

local MOST = MICROS_LIMIT - 1

function limits.of(bucket, customer, id)
  return state_of(bucket, customer, KEPT.LIMIT, id)
end

function limits.keep(bucket, notes, customer, id, limit)
  keep_state(bucket, notes, customer, KEPT.LIMIT, id, limit)
end

-- What is used of a limit: no more than the largest amount, nor so much that `cap` less that goes beyond it either way.
local function bounded(used, cap)
  return math.min(math.max(used, cap - MOST), cap + MOST, MOST)
end

-- The limit in the window that holds `now`, whose first entry this is where the last one is over. A copy: keep it.
function limits.at(bucket, record, limit, now)
  limit = { unpack(limit) }
  local customer, ended = bucket.customer, limit[LIMIT.ENDS]
  if not limits.has_ended(limit, now) then
    local taken_over = nil
    if limit[LIMIT.WINDOW] == 'cycle' then
      taken_over, limit[LIMIT.ENDS] = refit(bucket, customer, limit[LIMIT.STARTS], ended, now)
    end
    if not taken_over then
      return limit
    end
    ended = taken_over
  end
  local starts, ends = window_in(bucket, customer, limit[LIMIT.WINDOW], now)
  if limit[LIMIT.CARRY] == 1 then
    local count = windows_since(bucket, customer, limit[LIMIT.WINDOW], ended, starts, now)
    limit[LIMIT.USED] = bounded(limit[LIMIT.USED] - limit[LIMIT.CAP] * count, limit[LIMIT.CAP])
  else
    limit[LIMIT.USED], limit[LIMIT.HELD], limit[LIMIT.SINCE] = 0, 0, bucket.seq + 1
  end
  limit[LIMIT.STARTS], limit[LIMIT.ENDS], limit[LIMIT.REACHED] = starts, ends, 0
  return limit
end

-- Count what is spent, as far as a limit counts.
function limits.use(limit, amount)
  limit[LIMIT.USED] = bounded(limit[LIMIT.USED] + amount, limit[LIMIT.CAP])
end

-- The ids of the limits that a charge took from; where it took from none, or is not there, of those that the input
-- meets. Nil where there is none.
function limits.path(bucket, change, charge)
  local ids, seen = {}, {}
  local takes = charge and charge[CHARGE.TAKES]
  if takes then
    for n = 1, #takes do
      local id = takes[n][1]
      if not seen[id] and not is_counted(takes[n]) then
        seen[id] = true
        ids[#ids + 1] = id
      end
    end
    if #ids > 0 then
      return ids
    end
  end
  local customer, input = bucket.customer, bucket.input
  local mask = customer and customer.record[CUSTOMER.LIMITS] or 0
  if mask == 0 then
    return nil
  end
  local acting = input[INPUT.ACTING] or {}
  local sender = charge and charge[CHARGE.SENDER] or acting[3]
  local names = { customer.name, change.name, acting[1] or false, sender, acting[2] or false }
  local possible = limits.ids_of(bucket, mask, names)
  for n = 1, #possible do
    if limits.of(bucket, customer.name, possible[n]) then
      ids[#ids + 1] = possible[n]
    end
  end
  return #ids > 0 and ids or nil
end
