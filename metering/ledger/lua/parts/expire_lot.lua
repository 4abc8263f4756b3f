-- include: change
-- include: timer_names
-- Timer `l`, customer, wallet, lot: the expiry of a lot. What is free of it lapses; what is held waits for its charge.

local function expire_lot(bucket, i, timer, now)
  local customer, name, id = parts_of(timer[2])
  local change = begin(bucket, customer, name, now)
  local lot = change and find_lot(change.wallet, id)
  local free = lot and lot[LOT.REMAINING] - lot[LOT.HELD] or 0
  if free == 0 then
    return false
  end
  lot[LOT.REMAINING] = lot[LOT.HELD]
  change.wallet[WALLET.CREDIT] = change.wallet[WALLET.CREDIT] - free
  note_lot(change.lots, lot, -free, 0)
  finish(bucket, -i, change, KIND.EXPIRED, REASON.LOT, DECIDED.NONE, false,
    { customer = customer, due_at_ms = timer[1] })
  return true
end
