-- include: handlers
-- include: parcels
-- include: commands
-- Who pays for whom: a customer's wallet mode, and the way back of users' credit into the company pool.

-- Wallets whose free credit goes into the pool: what is taken of each, and all of it as parcels; or why it cannot.
local function plan_sweep(bucket, input, customer, pool)
  local sources, parcels, total, seen = {}, {}, 0, { [pool.name] = true }
  for _, name in ipairs(input[INPUT.SWEPT]) do
    local source = begin(bucket, customer.name, name, input[INPUT.TS])
    if not source then
      return nil, nil, REASON.UNKNOWN_WALLET
    elseif seen[name] then
      return nil, nil, REASON.SAME_WALLET
    end
    seen[name] = true
    local _, taken = choose_parcels(source.wallet, math.max(source.available, 0), true)
    for _, part in ipairs(taken) do
      add_parcel(parcels, part[1], part[2])
      total = total + part[2]
    end
    if #taken > 0 then
      sources[#sources + 1] = { change = source, taken = taken }
    end
  end
  return sources, parcels, #parcels > 0 and arrival_objection(pool, parcels, total) or nil
end

-- Set the mode. What holds still hold stays in its wallet.
local function set_wallet_mode(bucket, i, input, customer)
  local pool = begin(bucket, customer.name, 'main', input[INPUT.TS])
  local sources, parcels, reason = plan_sweep(bucket, input, customer, pool)
  if reason then
    return refuse(bucket, i, reason)
  end
  pool.others = {}
  for n, source in ipairs(sources) do
    move_parcels(bucket, source.change, pool, {}, source.taken)
    pool.others[n] = source.change
  end
  move_parcels(bucket, nil, pool, parcels, {})
  local record = customer.record
  record[CUSTOMER.WALLET_MODE] = input[INPUT.WALLET_MODE]
  record[CUSTOMER.VERSION] = record[CUSTOMER.VERSION] + 1
  bucket.customers_dirty[customer.name] = record
  return finish(bucket, i, pool, KIND.SETTINGS_CHANGED, 0, DECIDED.NONE, false, settings_of(record))
end

handlers[OP.SET_WALLET_MODE] = set_wallet_mode
