-- include: cycles
-- Fees by months, of equipment and of phone numbers. They fall due at anniversaries of the billing start, after the
-- grant of the same moment.

-- The next beginning of so many months: months that the customer's cycles begin at are counted from these.
local function next_turn(bucket, customer, cycle, months, now)
  local base = cycle[CYCLE.NEXT_MONTH]
  return base + (math.floor((months_passed(bucket, customer.record, now) - base) / months) + 1) * months
end

-- Take a fee on, or change it: `fee` is {id, amount, unit, months}. It is due at the next beginning of its months; one
-- that goes on with the same months keeps its turn.
local function put_fee(bucket, notes, customer, cycle, fee, of, now)
  local id, months = fee[1], fee[4]
  local known = state_of(bucket, customer.name, KEPT.FEE, id)
  local month = known and known[FEE.MONTHS] == months and known[FEE.DUE_MONTH]
    or next_turn(bucket, customer, cycle, months, now)
  local due = month_at(bucket, customer.record, month)
  keep_state(bucket, notes, customer.name, KEPT.FEE, id, { fee[2], fee[3], months, due, month, of })
  set_timer(bucket, 'z\0' .. customer.name .. '\0' .. id, due)
end

local function drop_fee(bucket, notes, customer, id)
  if state_of(bucket, customer.name, KEPT.FEE, id) then
    drop_state(bucket, notes, customer.name, KEPT.FEE, id)
    clear_timer(bucket, 'z\0' .. customer.name .. '\0' .. id)
  end
end

-- Let the customer's equipment have these fees and no others; noted in its cycle, which is to be kept.
local function put_fees(bucket, notes, customer, cycle, fees, now)
  local ids, wanted = {}, {}
  for n = 1, #fees do
    ids[n], wanted[fees[n][1]] = fees[n][1], true
    put_fee(bucket, notes, customer, cycle, fees[n], 'equipment', now)
  end
  for _, id in ipairs(cycle[CYCLE.FEES]) do
    if not wanted[id] then
      drop_fee(bucket, notes, customer, id)
    end
  end
  cycle[CYCLE.FEES] = ids
end

-- Timer `z`, customer, fee: it is due. Debited from `main`, below zero if need be; another unit than the wallet's is not.
local function charge_fee(bucket, i, timer, now)
  local name, id = parts_of(timer[2])
  local customer = customer_named(bucket, name)
  local fee = state_of(bucket, name, KEPT.FEE, id)
  if not fee or fee[FEE.DUE] ~= timer[1] then
    return false
  end
  local change, amount, reason = begin(bucket, name, 'main', now), fee[FEE.AMOUNT], 0
  if fee[FEE.UNIT] == change.wallet[WALLET.UNIT] then
    if out_of_range(change, -amount) then
      reason = REASON.AMOUNT_OUT_OF_RANGE
    else
      reason = amount > change.available and REASON.OVERDRAWN or 0
      debit(change.wallet, amount, change.lots)
    end
  end
  fee = { unpack(fee) }
  fee[FEE.DUE_MONTH] = fee[FEE.DUE_MONTH] + fee[FEE.MONTHS]
  fee[FEE.DUE] = month_at(bucket, customer.record, fee[FEE.DUE_MONTH])
  keep_state(bucket, change.states, name, KEPT.FEE, id, fee)
  set_timer(bucket, 'z\0' .. name .. '\0' .. id, fee[FEE.DUE])
  finish(bucket, -i, change, fee[FEE.OF] == 'number' and KIND.NUMBER_FEE or KIND.RECURRING_FEE, reason, DECIDED.NONE,
    false, { customer = name, due_at_ms = timer[1] })
  return true
end
