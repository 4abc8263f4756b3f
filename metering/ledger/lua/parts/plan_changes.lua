-- include: handlers
-- include: commands
-- include: number_fees
-- include: allotments
-- include: plan_rules
-- include: cycle_runs
-- Changes of plan: another one, or none any more.

-- `amount` times `part` / `whole`, rounded down; exact for amounts below 2^53 and a year in seconds.
local function share_of(amount, part, whole)
  local rest = amount % whole
  return (amount - rest) / whole * part + math.floor(rest * part / whole)
end

-- What has been granted lapses now, unless rollover is protected. What is held of it lapses when it is released.
local function lapse_granted(bucket, change, record)
  local lots = { unpack(change.wallet[WALLET.LOTS]) }
  for n = 1, #lots do
    if lots[n][LOT.KIND] == 'nro' and record[CUSTOMER.ROP] == 0 then
      set_expiry(bucket, change, lots[n], change.now, 0)
    end
  end
end

-- Decide when the next grant of changed terms comes, and how much that is.
local function plan_next_grant(bucket, change, customer, cycle, months_before, how)
  local now, grant, months = change.now, cycle[CYCLE.GRANT], cycle[CYCLE.MONTHS]
  local is_due, runs = cycle[CYCLE.NEXT] > 0 and cycle[CYCLE.NEXT] <= now, cycle[CYCLE.ENDS] > now
  cycle[CYCLE.NEXT_GRANT] = grant
  if how ~= ON_PLAN_CHANGE.KEEP_TO_CYCLE_END then
    lapse_granted(bucket, change, customer.record)
  end
  if grant == 0 then
    cycle[CYCLE.NEXT] = 0
  elseif is_due then
    return
  elseif runs and how == ON_PLAN_CHANGE.KEEP_TO_CYCLE_END then
    cycle[CYCLE.NEXT] = cycle[CYCLE.ENDS]
  else
    cycle[CYCLE.NEXT_MONTH] = runs and months == months_before and cycle[CYCLE.NEXT_MONTH] - months
      or months_passed(bucket, customer.record, now)
    cycle[CYCLE.NEXT] = now
    if how == ON_PLAN_CHANGE.PRORATE and months > 0 then
      local starts = month_at(bucket, customer.record, cycle[CYCLE.NEXT_MONTH])
      local ends = month_at(bucket, customer.record, cycle[CYCLE.NEXT_MONTH] + months)
      cycle[CYCLE.NEXT_GRANT] =
        share_of(grant, math.floor((ends - now) / 1000), math.floor((ends - starts) / 1000))
    end
  end
end

local function set_plan(bucket, i, input, customer)
  local record, now = customer.record, input[INPUT.TS]
  if record[CUSTOMER.UNIT] ~= input[INPUT.UNIT] then
    return refuse(bucket, i, REASON.WRONG_UNIT)
  end
  local known, cycle = cycle_of(bucket, customer), cycle_to_change(bucket, customer)
  local months_before = cycle[CYCLE.MONTHS]
  record[CUSTOMER.PLAN], record[CUSTOMER.CYCLE] = input[INPUT.PLAN], input[INPUT.PLAN_CYCLE]
  record[CUSTOMER.VERSION] = record[CUSTOMER.VERSION] + 1
  bucket.customers_dirty[customer.name] = record
  local change = begin(bucket, customer.name, 'main', now)
  change_customer_cause(bucket, blocks_noted(change), customer, CAUSE.NO_PLAN, false, now)
  cycle[CYCLE.MONTHS], cycle[CYCLE.GRANT] = input[INPUT.PLAN_CYCLE], input[INPUT.PLAN_GRANT]
  cycle[CYCLE.KIND], cycle[CYCLE.NOTICE] = input[INPUT.PLAN_GRANT_KIND], input[INPUT.PLAN_NOTICE]
  cycle[CYCLE.CANCELLED] = 0
  plan_next_grant(bucket, change, customer, cycle, months_before, input[INPUT.ON_CHANGE])
  note_run(cycle, months_before)
  put_fees(bucket, change.states, customer, cycle, input[INPUT.PLAN_FEES], now)
  put_number_fees(bucket, change.states, customer, cycle, input[INPUT.PLAN_NUMBERS], now)
  apply_rules(change, input[INPUT.PLAN_RULES])
  begin_sweep(bucket, change, 'rules', { '', 0, 0, 0, 0, input[INPUT.PLAN_WALLET_RULES] })
  if known or cycle[CYCLE.GRANT] > 0 or #cycle[CYCLE.FEES] > 0 then
    keep_cycle(bucket, change.states, customer, cycle)
  end
  local extras = allotments.follow_plan(bucket, change, customer, input[INPUT.PLAN_ALLOTMENTS], settings_of(record))
  return finish(bucket, i, change, KIND.SETTINGS_CHANGED, 0, DECIDED.NONE, false, extras)
end

-- What was granted runs to its end; what never lapses waits for another plan, or can be spent, as the plan says.
local function cancel_plan(bucket, i, input, customer)
  local cycle, now = cycle_to_change(bucket, customer), input[INPUT.TS]
  if cycle[CYCLE.CANCELLED] == 1 then
    return refuse(bucket, i, REASON.ALREADY)
  end
  local change = begin(bucket, customer.name, 'main', now)
  if input[INPUT.KEEPS_FRO_SPENDABLE] == 0 then
    change_customer_cause(bucket, blocks_noted(change), customer, CAUSE.NO_PLAN, true, now)
  end
  cycle[CYCLE.GRANT], cycle[CYCLE.NEXT], cycle[CYCLE.NEXT_GRANT], cycle[CYCLE.CANCELLED] = 0, 0, 0, 1
  put_fees(bucket, change.states, customer, cycle, {}, now)
  put_number_fees(bucket, change.states, customer, cycle, {}, now)
  keep_cycle(bucket, change.states, customer, cycle)
  local extras = allotments.follow_plan(bucket, change, customer, nil, settings_of(customer.record))
  return finish(bucket, i, change, KIND.PLAN_CANCELLED, 0, DECIDED.NONE, false, extras)
end

handlers[OP.SET_PLAN] = set_plan
handlers[OP.CANCEL_PLAN] = cancel_plan
