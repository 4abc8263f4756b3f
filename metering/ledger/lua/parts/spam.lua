-- include: handlers
-- include: plan_changes
-- A customer marked for spam forfeits its credit, of either kind and in every wallet. It can be given back.

local function forfeit_free(bucket, change)
  local forfeited = state_of(bucket, change.customer, KEPT.FORFEIT, change.name)
  local lots = forfeited and { unpack(forfeited[1]) } or {}
  for _, lot in ipairs(change.wallet[WALLET.LOTS]) do
    local free = lot[LOT.REMAINING] - lot[LOT.HELD]
    if free > 0 then
      lots[#lots + 1] = { lot[LOT.KIND], free, lot[LOT.EXPIRES], lot[LOT.TRANSFERABLE], lot[LOT.NOTICE] }
      lot[LOT.REMAINING] = lot[LOT.HELD]
      change.wallet[WALLET.CREDIT] = change.wallet[WALLET.CREDIT] - free
      note_lot(change.lots, lot, -free, 0)
    end
  end
  return lots
end

-- Marked once more, it forfeits what has come free meanwhile.
local function mark_spam(bucket, i, input, customer)
  local main, taken = begin(bucket, customer.name, 'main', input[INPUT.TS]), false
  for _, name in ipairs(wallets_of(bucket, customer.name)) do
    local change = name == 'main' and main or begin(bucket, customer.name, name, main.now)
    local lots = forfeit_free(bucket, change)
    if #change.lots > 0 then
      taken = true
      keep_state(bucket, main.states, customer.name, KEPT.FORFEIT, name, { lots })
      if change ~= main then
        main.others = main.others or {}
        table.insert(main.others, change)
      end
    end
  end
  if not change_customer_cause(bucket, blocks_noted(main), customer, CAUSE.SPAM, true, main.now) and not taken then
    return refuse(bucket, i, REASON.ALREADY)
  end
  return finish(bucket, i, main, KIND.FORFEITED, REASON.SPAM, DECIDED.NONE, false, settings_of(customer.record))
end

-- The wallets to give back to, each with its lots and their sum; nil where one would leave the range.
local function forfeits_of(bucket, main)
  local found = {}
  for _, name in ipairs(wallets_of(bucket, main.customer)) do
    local forfeited, sum = state_of(bucket, main.customer, KEPT.FORFEIT, name), 0
    if forfeited then
      local change = name == 'main' and main or begin(bucket, main.customer, name, main.now)
      for _, lot in ipairs(forfeited[1]) do
        sum = sum + lot[2]
      end
      if out_of_range(change, sum) then
        return nil
      end
      found[#found + 1] = { change, forfeited[1] }
    end
  end
  return found
end

-- Give back what was forfeited, each lot with its kind and expiry: what has expired meanwhile lapses again at once.
local function unmark_spam(bucket, i, input, customer)
  local main = begin(bucket, customer.name, 'main', input[INPUT.TS])
  local found = has_cause(customer.record[CUSTOMER.CAUSES], CAUSE.SPAM) and forfeits_of(bucket, main)
  if not found then
    local marked = has_cause(customer.record[CUSTOMER.CAUSES], CAUSE.SPAM)
    return refuse(bucket, i, marked and REASON.AMOUNT_OUT_OF_RANGE or REASON.NOT_SPAM)
  end
  change_customer_cause(bucket, blocks_noted(main), customer, CAUSE.SPAM, false, main.now)
  for _, wallet in ipairs(found) do
    local change, lots = wallet[1], wallet[2]
    drop_state(bucket, main.states, customer.name, KEPT.FORFEIT, change.name)
    for _, lot in ipairs(lots) do
      credit(bucket, change, lot[2], lot[1], lot[3], lot[4], lot[5])
    end
    if change ~= main then
      main.others = main.others or {}
      table.insert(main.others, change)
    end
  end
  return finish(bucket, i, main, KIND.GIVEN_BACK, REASON.SPAM, DECIDED.NONE, false, settings_of(customer.record))
end

handlers[OP.MARK_SPAM] = mark_spam
handlers[OP.UNMARK_SPAM] = unmark_spam
