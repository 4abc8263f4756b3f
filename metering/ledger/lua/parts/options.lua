-- include: handlers
-- include: plan_changes
-- include: sweeps
-- What a customer has besides its plan: rollover protection, equipment, time zone, country.

-- What becomes of the lots of a wallet when rollover protection begins or ends: {expiry, lead time of notices} then.
function sweeps.rop(bucket, main, sweep)
  local is_on, ends, lead = sweep[SWEEP.ON] == 1, sweep[SWEEP.EXPIRES], sweep[SWEEP.NOTICE]
  return function(change)
    local lots = { unpack(change.wallet[WALLET.LOTS]) }
    for n = 1, #lots do
      local lot = lots[n]
      if is_on and lot[LOT.EXPIRES] > main.now then
        set_expiry(bucket, change, lot, 0, 0)
      elseif not is_on and lot[LOT.KIND] == 'nro' and lot[LOT.EXPIRES] == 0 then
        set_expiry(bucket, change, lot, ends, notice_of(ends, lead, main.now))
      end
    end
  end, KIND.SETTINGS_CHANGED, 0
end

local function set_rop(bucket, change, customer, rop, input)
  local cycle = cycle_to_change(bucket, customer)
  customer.record[CUSTOMER.ROP] = rop
  if rop == 1 and input[INPUT.ROP_SCOPE] == 1 then
    begin_sweep(bucket, change, 'rop', { '', 0, 1, 0, 0, {} })
  elseif rop == 0 and input[INPUT.ROP_LAPSE] == 1 and cycle[CYCLE.ENDS] > change.now then
    begin_sweep(bucket, change, 'rop', { '', 0, 0, cycle[CYCLE.ENDS], cycle[CYCLE.NOTICE], {} })
  end
end

local function set_options(bucket, i, input, customer)
  local record, now = customer.record, input[INPUT.TS]
  local change = begin(bucket, customer.name, 'main', now)
  local rop, equipment = input[INPUT.OPTION_ROP], input[INPUT.OPTION_EQUIPMENT]
  if rop and rop ~= record[CUSTOMER.ROP] then
    set_rop(bucket, change, customer, rop, input)
  end
  record[CUSTOMER.TIME_ZONE] = input[INPUT.OPTION_ZONE] or record[CUSTOMER.TIME_ZONE]
  record[CUSTOMER.COUNTRY] = input[INPUT.OPTION_COUNTRY] or record[CUSTOMER.COUNTRY]
  if equipment then
    local known, cycle = cycle_of(bucket, customer), cycle_to_change(bucket, customer)
    record[CUSTOMER.EQUIPMENT] = equipment
    put_fees(bucket, change.states, customer, cycle, cycle[CYCLE.CANCELLED] == 0 and input[INPUT.OPTION_FEES] or {}, now)
    if known or #cycle[CYCLE.FEES] > 0 then
      keep_cycle(bucket, change.states, customer, cycle)
    end
  end
  record[CUSTOMER.VERSION] = record[CUSTOMER.VERSION] + 1
  bucket.customers_dirty[customer.name] = record
  return finish(bucket, i, change, KIND.SETTINGS_CHANGED, 0, DECIDED.NONE, false, settings_of(record))
end

handlers[OP.SET_OPTIONS] = set_options
