-- include: handlers
-- include: plan_changes
-- include: sweeps
-- A customer marked for spam forfeits its credit, of either kind and in every wallet. It can be given back.

local function forfeit_free(bucket, main, change)
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
  if #change.lots > 0 then
    keep_state(bucket, main.states, change.customer, KEPT.FORFEIT, change.name, { lots })
  end
end

-- Give back what was forfeited, each lot with its kind and expiry: what has expired meanwhile lapses again at once.
-- Nothing where it would leave the range: it stays forfeited.
local function give_back(bucket, main, change)
  local forfeited, sum = state_of(bucket, change.customer, KEPT.FORFEIT, change.name), 0
  for _, lot in ipairs(forfeited and forfeited[1] or {}) do
    sum = sum + lot[2]
  end
  if not forfeited or out_of_range(change, sum) then
    return
  end
  drop_state(bucket, main.states, change.customer, KEPT.FORFEIT, change.name)
  for _, lot in ipairs(forfeited[1]) do
    credit(bucket, change, lot[2], lot[1], lot[3], lot[4], lot[5])
  end
end

function sweeps.spam(bucket, main, sweep)
  local is_marked = sweep[SWEEP.ON] == 1
  local act = is_marked and forfeit_free or give_back
  return function(change)
    act(bucket, main, change)
  end, is_marked and KIND.FORFEITED or KIND.GIVEN_BACK, REASON.SPAM
end

-- Marked once more, it forfeits what has come free meanwhile.
local function mark_spam(bucket, i, input, customer)
  local main = begin(bucket, customer.name, 'main', input[INPUT.TS])
  begin_sweep(bucket, main, 'spam', { '', 0, 1, 0, 0, {} })
  local is_new = change_customer_cause(bucket, blocks_noted(main), customer, CAUSE.SPAM, true, main.now)
  if not is_new and #main.states == 0 then
    return refuse(bucket, i, REASON.ALREADY)
  end
  return finish(bucket, i, main, KIND.FORFEITED, REASON.SPAM, DECIDED.NONE, false, settings_of(customer.record))
end

local function unmark_spam(bucket, i, input, customer)
  if not has_cause(customer.record[CUSTOMER.CAUSES], CAUSE.SPAM) then
    return refuse(bucket, i, REASON.NOT_SPAM)
  end
  local main = begin(bucket, customer.name, 'main', input[INPUT.TS])
  change_customer_cause(bucket, blocks_noted(main), customer, CAUSE.SPAM, false, main.now)
  begin_sweep(bucket, main, 'spam', { '', 0, 0, 0, 0, {} })
  return finish(bucket, i, main, KIND.GIVEN_BACK, REASON.SPAM, DECIDED.NONE, false, settings_of(customer.record))
end

handlers[OP.MARK_SPAM] = mark_spam
handlers[OP.UNMARK_SPAM] = unmark_spam
