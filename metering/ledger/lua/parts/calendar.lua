-- include: dates
-- Local days, months and anniversaries in a customer's time zone, as Unix milliseconds.
-- A zone is {offset, from, offset, from, offset, ...}: the offset from UTC in minutes, then each change of it with the
-- Unix second from which it holds. `zones` keeps those of the bucket's customers (ledger/zones.py).

local DAY_MS = 86400000

local function zone_of(bucket, name)
  local zone = bucket.zones_new[name] or bucket.zones[name]
  if not zone then
    zone = cmsgpack.unpack(redis.call('HGET', bucket.keys[KEY.ZONES], name))
    bucket.zones[name] = zone
  end
  return zone
end

local function offset_at(zone, ms)
  local low, high = 0, (#zone - 1) / 2
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if zone[2 * middle] * 1000 <= ms then
      low = middle
    else
      high = middle - 1
    end
  end
  return zone[2 * low + 1] * 60000
end

-- The local date of a moment, as days since 1970-01-01.
local function local_day(zone, ms)
  return math.floor((ms + offset_at(zone, ms)) / DAY_MS)
end

-- The first moment of a local date. Where clocks are put forward at midnight, that is the moment of the change.
local function day_start(zone, day)
  local naive = day * DAY_MS
  local earlier = naive - offset_at(zone, naive - DAY_MS)
  local later = naive - offset_at(zone, naive + DAY_MS)
  local start, stop = math.min(earlier, later), math.max(earlier, later)
  if local_day(zone, start) == day and local_day(zone, start - 1) < day then
    return start
  elseif local_day(zone, stop - 1) < day then
    return stop
  end
  for n = 2, #zone, 2 do
    local change = zone[n] * 1000
    if change >= start and change <= stop then
      return change
    end
  end
  return stop
end

local function month_start(zone, month)
  return day_start(zone, days_of(math.floor(month / 12), month % 12 + 1, 1))
end

-- The `months`-th month after a local date, on the same day or the last that the month has.
local function anniversary(zone, day, months)
  local year, month, day_of_month = date_of(day)
  local at = year * 12 + month - 1 + months
  local first = days_of(math.floor(at / 12), at % 12 + 1, 1)
  local next_first = days_of(math.floor((at + 1) / 12), (at + 1) % 12 + 1, 1)
  return day_start(zone, math.min(first + day_of_month - 1, next_first - 1))
end

-- How many whole steps of `months` lie between `billing_start` and `now`; 0 before the first anniversary.
local function cycles_since(zone, billing_start, months, now)
  local anchor = local_day(zone, billing_start)
  local year, month = date_of(anchor)
  local year_now, month_now = date_of(local_day(zone, now))
  local count = math.floor(((year_now - year) * 12 + month_now - month) / months)
  if count > 0 and anniversary(zone, anchor, count * months) > now then
    count = count - 1
  end
  return math.max(count, 0)
end

-- The window of a name that holds `now`: its start and end; an end of 0 is never. A cycle begins at the billing start,
-- the next ones at the first moment of its anniversaries.
local function window_at(zone, window, now, billing_start, months)
  if window == 'day' then
    local day = local_day(zone, now)
    return day_start(zone, day), day_start(zone, day + 1)
  elseif window == 'month' then
    local year, month = date_of(local_day(zone, now))
    local at = year * 12 + month - 1
    return month_start(zone, at), month_start(zone, at + 1)
  elseif window == 'cycle' and months > 0 then
    local anchor = local_day(zone, billing_start)
    local count = cycles_since(zone, billing_start, months, now)
    local start = count == 0 and billing_start or anniversary(zone, anchor, count * months)
    return start, anniversary(zone, anchor, (count + 1) * months)
  end
  return 0, 0
end

-- The window of a customer's record.
local function window_of(bucket, record, window, now)
  if window == 'none' then
    return 0, 0
  end
  return window_at(zone_of(bucket, record[CUSTOMER.TIME_ZONE]), window, now, record[CUSTOMER.BILLING_START],
    record[CUSTOMER.CYCLE])
end
