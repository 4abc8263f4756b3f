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

-- The newest lot of the same kind and expiry, and alike in whether it may be moved, or nil.
local function twin_of(lots, kind, expires, transferable)
  for n = #lots, 1, -1 do
    if lots[n][LOT.KIND] == kind and lots[n][LOT.EXPIRES] == expires and lots[n][LOT.TRANSFERABLE] == transferable then
      return lots[n]
    end
  end
  return nil
end

-- A wallet has at most LOTS_MAX lots: then credit joins a lot of the same kind and expiry, or finds no room.
local function has_room(wallet, kind, expires, transferable)
  if #wallet[WALLET.LOTS] < LOTS_MAX then
    return true
  end
  return twin_of(wallet[WALLET.LOTS], kind, expires, transferable) ~= nil
end

-- The id of a lot is that of the entry that makes it; of further lots of one entry it goes on with .002, .003, …
local function next_lot_id(bucket)
  local seq = bucket.seq + 1
  bucket.lots_made = bucket.lots_made_in == seq and bucket.lots_made + 1 or 1
  bucket.lots_made_in = seq
  local id = bucket.number .. '-' .. string.format('%.0f', seq)
  return bucket.lots_made == 1 and id or id .. string.format('.%03d', bucket.lots_made)
end

-- Add credit; what is overdrawn is paid first, the rest is a new lot. `transferable`: 1, or 0 where it may not be moved;
-- `notice`: when to tell that it is about to lapse, 0 = never.
local function credit(bucket, change, amount, kind, expires, transferable, notice)
  local wallet = change.wallet
  local paid = math.min(amount, wallet[WALLET.OVERDRAWN])
  local left = amount - paid
  wallet[WALLET.OVERDRAWN] = wallet[WALLET.OVERDRAWN] - paid
  if left == 0 then
    return
  end
  wallet[WALLET.CREDIT] = wallet[WALLET.CREDIT] + left
  local lots = wallet[WALLET.LOTS]
  local twin = #lots >= LOTS_MAX and twin_of(lots, kind, expires, transferable)
  if twin then
    twin[LOT.REMAINING] = twin[LOT.REMAINING] + left
    return note_lot(change.lots, twin, left, 0)
  end
  local id = next_lot_id(bucket)
  local lot = { id, kind, left, 0, expires, bucket.seq + 1, transferable, notice }
  table.insert(lots, place_of(lots, kind, expires), lot)
  change.lots[#change.lots + 1] = { id, left, 0, left, 0, kind, expires, transferable, notice }
  if expires > 0 then
    set_timer(bucket, 'l\0' .. change.key .. '\0' .. id, expires)
  end
  if notice > 0 then
    set_timer(bucket, 'e\0' .. change.key .. '\0' .. id, notice)
  end
end
