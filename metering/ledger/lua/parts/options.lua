-- include: handlers
-- include: plan_changes
-- What a customer has besides its plan: rollover protection, equipment, time zone, country.

-- Change when the lots of all wallets lapse. `expiry_of(lot)` gives the new expiry and notice, nil to leave a lot.
local function change_expiries(bucket, change, expiry_of)
  for _, name in ipairs(wallets_of(bucket, change.customer)) do
    local one = name == 'main' and change or begin(bucket, change.customer, name, change.now)
    local lots = { unpack(one.wallet[WALLET.LOTS]) }
    for n = 1, #lots do
      local expires, notice = expiry_of(lots[n])
      if expires then
        set_expiry(bucket, one, lots[n], expires, notice)
      end
    end
    if one ~= change and #one.lots > 0 then
      change.others = change.others or {}
      table.insert(change.others, one)
    end
  end
end

local function set_rop(bucket, change, customer, rop, input)
  local now, cycle = change.now, cycle_to_change(bucket, customer)
  customer.record[CUSTOMER.ROP] = rop
  if rop == 1 and input[INPUT.ROP_SCOPE] == 1 then
    change_expiries(bucket, change, function(lot)
      if lot[LOT.EXPIRES] > now then
        return 0, 0
      end
    end)
  elseif rop == 0 and input[INPUT.ROP_LAPSE] == 1 and cycle[CYCLE.ENDS] > now then
    change_expiries(bucket, change, function(lot)
      if lot[LOT.KIND] == 'nro' and lot[LOT.EXPIRES] == 0 then
        return cycle[CYCLE.ENDS], notice_of(cycle[CYCLE.ENDS], cycle[CYCLE.NOTICE], now)
      end
    end)
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
