-- include: handlers
-- include: commands
-- include: states
-- A refund or chargeback takes back what a top-up brought: from its own lot first, below zero if it is used already.

local function reverse_top_up(bucket, i, input, customer)
  local id, amount = input[INPUT.TOP_UP], -input[INPUT.AMOUNT]
  local change, reason = begin_money(bucket, i, input, customer)
  if not reason and state_of(bucket, customer.name, KEPT.REVERSAL, id) then
    reason = REASON.ALREADY
  end
  if reason then
    return refuse(bucket, i, reason)
  end
  local lot = find_lot(change.wallet, id)
  local own = lot and math.min(lot[LOT.REMAINING] - lot[LOT.HELD], amount) or 0
  if own > 0 then
    lot[LOT.REMAINING] = lot[LOT.REMAINING] - own
    change.wallet[WALLET.CREDIT] = change.wallet[WALLET.CREDIT] - own
    note_lot(change.lots, lot, -own, 0)
  end
  debit(change.wallet, amount - own, change.lots)
  keep_state(bucket, change.states, customer.name, KEPT.REVERSAL, id, { change.name, amount })
  return finish(bucket, i, change, KIND.REVERSED, input[INPUT.CAUSE], DECIDED.NONE, false)
end

handlers[OP.REVERSE_TOP_UP] = reverse_top_up
