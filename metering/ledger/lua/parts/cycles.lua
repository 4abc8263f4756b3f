-- include: states
-- include: months
-- include: credit
-- include: customers
-- include: expiry
-- A customer's cycles: the plan's grant at each beginning. Cycles begin at anniversaries of the billing start.

local CYCLE_ID = 'plan'

local function cycle_of(bucket, customer)
  return state_of(bucket, customer.name, KEPT.CYCLE, CYCLE_ID)
end

-- A copy of the customer's cycle to change, or one that grants nothing.
local function cycle_to_change(bucket, customer)
  local cycle = cycle_of(bucket, customer)
  return cycle and { unpack(cycle) } or { customer.record[CUSTOMER.CYCLE], 0, 'nro', 0, 0, 0, 0, 0, 0, 0, {}, {} }
end

-- Keep a cycle, and set the timer of its next grant.
local function keep_cycle(bucket, notes, customer, cycle)
  keep_state(bucket, notes, customer.name, KEPT.CYCLE, CYCLE_ID, cycle)
  if cycle[CYCLE.NEXT] > 0 then
    set_timer(bucket, 'y\0' .. customer.name, cycle[CYCLE.NEXT])
  else
    clear_timer(bucket, 'y\0' .. customer.name)
  end
end

-- The first grant of a customer that is opened is due at once.
local function open_cycle(bucket, notes, customer, months, grant, kind, notice, now)
  if grant > 0 then
    keep_cycle(bucket, notes, customer, { months, grant, kind, notice, 0, 0, now, 0, grant, 0, {},
      { { 0, months } } })
  end
end

-- Timer `y`, customer: a cycle begins. What lapses at the same moment has lapsed: its timers come first by name.
local function begin_cycle(bucket, i, timer, now)
  local customer = customer_named(bucket, string.sub(timer[2], 3))
  local cycle = cycle_of(bucket, customer)
  if not cycle or cycle[CYCLE.NEXT] ~= timer[1] then
    return false
  end
  local record, months, amount = customer.record, cycle[CYCLE.MONTHS], cycle[CYCLE.NEXT_GRANT]
  local month = cycle[CYCLE.NEXT_MONTH]
  local ends = months > 0 and month_at(bucket, record, month + months) or 0
  cycle = { unpack(cycle) }
  cycle[CYCLE.STARTS], cycle[CYCLE.ENDS], cycle[CYCLE.NEXT] = month_at(bucket, record, month), ends, ends
  cycle[CYCLE.NEXT_MONTH], cycle[CYCLE.NEXT_GRANT] = month + months, cycle[CYCLE.GRANT]
  local change, reason = begin(bucket, customer.name, 'main', now), 0
  if out_of_range(change, amount) then
    amount, reason = 0, REASON.AMOUNT_OUT_OF_RANGE
  end
  local lapses = cycle[CYCLE.KIND] == 'nro' and record[CUSTOMER.ROP] == 0
  local expires = lapses and ends or 0
  credit(bucket, change, amount, cycle[CYCLE.KIND], expires, 1, notice_of(expires, cycle[CYCLE.NOTICE], now))
  keep_cycle(bucket, change.states, customer, cycle)
  finish(bucket, -i, change, KIND.GRANTED, reason, DECIDED.NONE, false,
    { customer = customer.name, due_at_ms = timer[1] })
  return true
end
