-- include: fees
-- What a customer's phone numbers cost. Each that costs something has a fee of its own; their sum stands in one record.

local NUMBERS_ID = 'all'

-- The customer's numbers, as {number, type} each, and what they cost in a cycle.
local function numbers_of(bucket, customer)
  local record = state_of(bucket, customer.name, KEPT.NUMBERS, NUMBERS_ID)
  return record and record[NUMBERS.LIST] or {}, record and record[NUMBERS.FEES] or 0
end

-- What a customer's numbers cost in one cycle of its plan: what of a grant cannot be assigned to users.
local function number_fees_of(bucket, customer)
  local _, fees = numbers_of(bucket, customer)
  return fees
end

local function sum_of_fees(bucket, customer, list)
  local sum, cycle = 0, customer.record[CUSTOMER.CYCLE]
  for n = 1, #list do
    local fee = state_of(bucket, customer.name, KEPT.FEE, list[n][1])
    if fee then
      sum = sum + fee[FEE.AMOUNT] * math.max(cycle / fee[FEE.MONTHS], 1)
    end
  end
  return math.min(sum, MICROS_LIMIT - 1)
end

-- Keep the list, with what its fees add up to; no record where there is no number.
local function keep_numbers(bucket, notes, customer, list)
  if #list > 0 then
    local record = { list, sum_of_fees(bucket, customer, list) }
    keep_state(bucket, notes, customer.name, KEPT.NUMBERS, NUMBERS_ID, record)
  elseif state_of(bucket, customer.name, KEPT.NUMBERS, NUMBERS_ID) then
    drop_state(bucket, notes, customer.name, KEPT.NUMBERS, NUMBERS_ID)
  end
end

-- Let the numbers that the customer has cost this from now on: `fees` as of `put_fee`, none for one that costs nothing.
local function put_number_fees(bucket, notes, customer, cycle, fees, now)
  local list, wanted = numbers_of(bucket, customer), {}
  for n = 1, #fees do
    wanted[fees[n][1]] = fees[n]
  end
  for n = 1, #list do
    local number = list[n][1]
    if wanted[number] then
      put_fee(bucket, notes, customer, cycle, wanted[number], 'number', now)
    else
      drop_fee(bucket, notes, customer, number)
    end
  end
  keep_numbers(bucket, notes, customer, list)
end
