-- include: handlers
-- include: commands
-- include: number_fees
-- A customer's phone numbers come and go.

local function place_of_number(list, number)
  for n = 1, #list do
    if list[n][1] == number then
      return n
    end
  end
  return nil
end

-- The fee is due at the next beginning of its months, as that of equipment is; there is none without a plan.
local function add_number(bucket, i, input, customer)
  local now, number = input[INPUT.TS], input[INPUT.NUMBER]
  local list, fee = { unpack((numbers_of(bucket, customer))) }, input[INPUT.NUMBER_FEE]
  if place_of_number(list, number) then
    return refuse(bucket, i, REASON.ALREADY)
  elseif #list >= NUMBERS_MAX then
    return refuse(bucket, i, REASON.TOO_MANY)
  end
  local change = begin(bucket, customer.name, 'main', now)
  local cycle = cycle_to_change(bucket, customer)
  list[#list + 1] = { number, input[INPUT.NUMBER_TYPE] }
  if fee and cycle[CYCLE.CANCELLED] == 0 then
    put_fee(bucket, change.states, customer, cycle, fee, 'number', now)
  end
  keep_numbers(bucket, change.states, customer, list)
  return finish(bucket, i, change, KIND.SETTINGS_CHANGED, 0, DECIDED.NONE, false)
end

local function remove_number(bucket, i, input, customer)
  local number, list = input[INPUT.NUMBER], { unpack((numbers_of(bucket, customer))) }
  local place = place_of_number(list, number)
  if not place then
    return refuse(bucket, i, REASON.UNKNOWN_NUMBER)
  end
  local change = begin(bucket, customer.name, 'main', input[INPUT.TS])
  table.remove(list, place)
  drop_fee(bucket, change.states, customer, number)
  keep_numbers(bucket, change.states, customer, list)
  return finish(bucket, i, change, KIND.SETTINGS_CHANGED, 0, DECIDED.NONE, false)
end

handlers[OP.ADD_NUMBER] = add_number
handlers[OP.REMOVE_NUMBER] = remove_number
