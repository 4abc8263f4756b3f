-- include: states
-- include: months
-- include: nearest
-- Windows of the name `cycle`: they are the customer's cycles, whatever changes of plan have made of these.

-- The cycle that was begun and holds `now`; nil where none does.
local function running_cycle(bucket, customer, now)
  local cycle = state_of(bucket, customer.name, KEPT.CYCLE, 'plan')
  return cycle and cycle[CYCLE.STARTS] <= now and now < cycle[CYCLE.ENDS] and cycle or nil
end

-- Which cycle of a customer holds `now`, counted from the one that comes next, which is 0; nil where cycles are counted
-- from the billing start, because none was ever begun.
local function cycle_number(bucket, customer, now)
  local cycle = state_of(bucket, customer.name, KEPT.CYCLE, 'plan')
  if not cycle or cycle[CYCLE.ENDS] == 0 then
    return nil
  elseif cycle[CYCLE.MONTHS] == 0 then
    return 0, cycle
  end
  local passed = months_passed(bucket, customer.record, now)
  return math.floor((passed - cycle[CYCLE.NEXT_MONTH]) / cycle[CYCLE.MONTHS]), cycle
end

-- The window of a customer that holds `now`: its start and end; an end of 0 is never.
local function window_in(bucket, customer, window, now)
  local running = window == 'cycle' and running_cycle(bucket, customer, now)
  if running then
    return running[CYCLE.STARTS], running[CYCLE.ENDS]
  end
  local number, cycle = nil, nil
  if window == 'cycle' then
    number, cycle = cycle_number(bucket, customer, now)
  end
  if not number then
    return window_of(bucket, customer.record, window, now)
  elseif cycle[CYCLE.MONTHS] == 0 then
    return 0, 0
  end
  local month = cycle[CYCLE.NEXT_MONTH] + number * cycle[CYCLE.MONTHS]
  return month_at(bucket, customer.record, month), month_at(bucket, customer.record, month + cycle[CYCLE.MONTHS])
end

-- How a window of the name `cycle` from `starts` to `ends` stands to the cycle that runs: since when that has taken its
-- place, or when it ends now. In another time zone the same cycle begins somewhat sooner or later.
local function refit(bucket, customer, starts, ends, now)
  local running = running_cycle(bucket, customer, now)
  if not running then
    return nil, ends
  elseif running[CYCLE.STARTS] > starts + HALF_MONTH_MS then
    return running[CYCLE.STARTS], ends
  end
  return nil, running[CYCLE.ENDS]
end
