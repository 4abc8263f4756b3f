-- include: change
-- Credit comes as lots, kept in the order of their use: kind, soonest expiry, oldest.

-- Where a lot of this kind and expiry belongs.
local function place_of(lots, kind, expires)
  local rank, expiry = kind == 'nro' and 0 or 1, expires == 0 and math.huge or expires
  local at = #lots + 1
  while at > 1 do
    local other = lots[at - 1]
    local other_rank = other[LOT.KIND] == 'nro' and 0 or 1
    local other_expiry = other[LOT.EXPIRES] == 0 and math.huge or other[LOT.EXPIRES]
    if other_rank < rank or (other_rank == rank and other_expiry <= expiry) then
      break
    end
    at = at - 1
  end
  return at
end

-- The newest lot of the same kind and expiry, or nil.
local function twin_of(lots, kind, expires)
  for n = #lots, 1, -1 do
    if lots[n][LOT.KIND] == kind and lots[n][LOT.EXPIRES] == expires then
      return lots[n]
    end
  end
  return nil
end

-- A wallet has at most LOTS_MAX lots: then credit joins a lot of the same kind and expiry, or finds no room.
local function has_room(wallet, kind, expires)
  if #wallet[WALLET.LOTS] < LOTS_MAX then
    return true
  end
  return twin_of(wallet[WALLET.LOTS], kind, expires) ~= nil
end

-- Add credit; what is overdrawn is paid first. A new lot is named after the entry that is about to be made.
local function credit(bucket, change, amount, kind, expires)
  local wallet = change.wallet
  local paid = math.min(amount, wallet[WALLET.OVERDRAWN])
  local left = amount - paid
  wallet[WALLET.OVERDRAWN] = wallet[WALLET.OVERDRAWN] - paid
  if left == 0 then
    return
  end
  wallet[WALLET.CREDIT] = wallet[WALLET.CREDIT] + left
  local lots = wallet[WALLET.LOTS]
  local twin = #lots >= LOTS_MAX and twin_of(lots, kind, expires)
  if twin then
    twin[LOT.REMAINING] = twin[LOT.REMAINING] + left
    return note_lot(change.lots, twin, left, 0)
  end
  local id = bucket.number .. '-' .. string.format('%.0f', bucket.seq + 1)
  table.insert(lots, place_of(lots, kind, expires), { id, kind, left, 0, expires, bucket.seq + 1 })
  change.lots[#change.lots + 1] = { id, left, 0, left, 0, kind, expires }
  if expires > 0 then
    set_timer(bucket, 'l\0' .. change.key .. '\0' .. id, expires)
  end
end
