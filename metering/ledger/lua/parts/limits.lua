-- include: states
-- include: cycle_windows
-- include: blocks
-- include: takes
-- Limits: a cap on what is spent at one level, in one window, of one name; room = cap - used - held. Which of them an
-- event meets, and how their windows follow each other.

local limits = {}
local MOST = MICROS_LIMIT - 1

-- What a customer may have limits for: {bit in CUSTOMER.LIMITS, how their ids begin, level, whether of `main` alone}.
limits.sorts = {}
for level, level_name in ipairs({ 'customer', 'wallet', 'user', 'sender', 'campaign' }) do
  for window, window_name in ipairs({ 'none', 'day', 'month', 'cycle', 'allotment' }) do
    local sort = { 2 ^ (5 * (level - 1) + window - 1), level_name .. ':' .. window_name .. ':', level,
      window_name == 'allotment' }
    limits.sorts[#limits.sorts + 1] = sort
    limits.sorts[level_name .. ':' .. window_name .. ':'] = sort
  end
end

function limits.of(bucket, customer, id)
  return state_of(bucket, customer, KEPT.LIMIT, id)
end

function limits.room(limit)
  return limit[LIMIT.CAP] - limit[LIMIT.USED] - limit[LIMIT.HELD]
end

function limits.keep(bucket, notes, customer, id, limit)
  keep_state(bucket, notes, customer, KEPT.LIMIT, id, limit)
end

local function has_ended(limit, now)
  return limit[LIMIT.ENDS] > 0 and limit[LIMIT.ENDS] <= now
end

-- How many windows have gone by when the one that begins at `starts` follows one that ended at `ended`.
local function windows_since(bucket, customer, window, ended, starts)
  local record = customer.record
  local zone = zone_of(bucket, record[CUSTOMER.TIME_ZONE])
  local number = window == 'cycle' and cycle_number(bucket, customer, starts)
  local count = 0
  if window == 'day' then
    count = local_day(zone, starts) - local_day(zone, ended)
  elseif window == 'month' then
    local year, month = date_of(local_day(zone, ended))
    local year_now, month_now = date_of(local_day(zone, starts))
    count = (year_now - year) * 12 + month_now - month
  elseif number then
    count = number - cycle_number(bucket, customer, ended)
  elseif record[CUSTOMER.CYCLE] > 0 then
    local start, months = record[CUSTOMER.BILLING_START], record[CUSTOMER.CYCLE]
    count = cycles_since(zone, start, months, starts) - cycles_since(zone, start, months, ended)
  end
  return 1 + math.max(count, 0)
end

local function bounded(used, cap)
  return math.min(math.max(used, cap - MOST), MOST)
end

-- The limit in the window that holds `now`, whose first entry this is where the last one is over. A copy: keep it.
function limits.at(bucket, record, limit, now)
  limit = { unpack(limit) }
  local customer, ended = bucket.customer, limit[LIMIT.ENDS]
  if not has_ended(limit, now) then
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
    local count = windows_since(bucket, customer, limit[LIMIT.WINDOW], ended, starts)
    limit[LIMIT.USED] = bounded(limit[LIMIT.USED] - limit[LIMIT.CAP] * count, limit[LIMIT.CAP])
  else
    limit[LIMIT.USED], limit[LIMIT.HELD], limit[LIMIT.SINCE] = 0, 0, bucket.seq + 1
  end
  limit[LIMIT.STARTS], limit[LIMIT.ENDS], limit[LIMIT.REACHED] = starts, ends, 0
  return limit
end

-- Count what is spent; a limit counts up to the largest amount there is.
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
  for n = 1, #limits.sorts do
    local sort = limits.sorts[n]
    if math.floor(mask / sort[1]) % 2 == 1 and names[sort[3]] and (not sort[4] or change.name == 'main') then
      local id = sort[2] .. names[sort[3]]
      if limits.of(bucket, customer.name, id) then
        ids[#ids + 1] = id
      end
    end
  end
  return #ids > 0 and ids or nil
end
