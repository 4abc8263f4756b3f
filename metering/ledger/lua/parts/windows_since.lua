-- include: states
-- include: cycle_runs
-- include: nearest
-- How many windows a customer has lived through: by the dates between, so that years of silence cost what a day does.

-- How many windows went by, the one that ended at `ended` among them, until the one that holds `now` began at `starts`
-- (0: with a cycle that never ends). A window may have ended in another time zone, whose days, months and cycles begin
-- somewhat sooner or later: its end stands for the nearest beginning in the present one.
local function windows_since(bucket, customer, window, ended, starts, now)
  local record, count = customer.record, 0
  local zone = zone_of(bucket, record[CUSTOMER.TIME_ZONE])
  local cycle = window == 'cycle' and state_of(bucket, customer.name, KEPT.CYCLE, 'plan')
  if window == 'day' then
    count = local_day(zone, starts) - local_day(zone, ended + HALF_DAY_MS)
  elseif window == 'month' then
    local year, month = date_of(local_day(zone, ended + HALF_MONTH_MS))
    local year_now, month_now = date_of(local_day(zone, starts))
    count = (year_now - year) * 12 + month_now - month
  elseif cycle and cycle[CYCLE.ENDS] > 0 then
    local upto = starts > 0 and starts + HALF_MONTH_MS or now
    count = cycles_begun(cycle, months_passed(bucket, record, ended + HALF_MONTH_MS), months_passed(bucket, record, upto))
  elseif record[CUSTOMER.CYCLE] > 0 then
    local start, months = record[CUSTOMER.BILLING_START], record[CUSTOMER.CYCLE]
    count = cycles_since(zone, start, months, starts) - cycles_since(zone, start, months, ended + HALF_MONTH_MS)
  end
  return 1 + math.max(count, 0)
end
