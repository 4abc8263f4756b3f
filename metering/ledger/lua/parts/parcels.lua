-- include: profiles
-- include: credit
-- Parcels of credit on their way from one wallet to another. Each keeps kind, expiry and whether it may be moved again.

-- Add a part of a lot to the parcel of its sort: what is alike travels as one.
local function add_parcel(parcels, lot, amount)
  for n = 1, #parcels do
    local parcel = parcels[n]
    if parcel.kind == lot[LOT.KIND] and parcel.expires == lot[LOT.EXPIRES]
      and parcel.transferable == lot[LOT.TRANSFERABLE] and parcel.notice == lot[LOT.NOTICE] then
      parcel.amount = parcel.amount + amount
      return
    end
  end
  parcels[#parcels + 1] = { kind = lot[LOT.KIND], expires = lot[LOT.EXPIRES], transferable = lot[LOT.TRANSFERABLE],
    notice = lot[LOT.NOTICE], amount = amount }
end

-- Choose up to `amount` of free credit in the order of use; `all`: that of lots that are not transferable too.
-- Nothing changes yet. Returns the parcels, and what to take from which lot.
local function choose_parcels(wallet, amount, all)
  local parcels, taken, lots, left = {}, {}, wallet[WALLET.LOTS], amount
  for n = 1, #lots do
    local free = lots[n][LOT.REMAINING] - lots[n][LOT.HELD]
    if left > 0 and free > 0 and (all or lots[n][LOT.TRANSFERABLE] == 1) then
      local part = math.min(free, left)
      left = left - part
      taken[#taken + 1] = { lots[n], part }
      add_parcel(parcels, lots[n], part)
    end
  end
  return parcels, taken
end

-- What may be moved out: free credit of transferable lots, never more than is available.
local function movable_of(change)
  local free = 0
  for _, lot in ipairs(change.wallet[WALLET.LOTS]) do
    if lot[LOT.TRANSFERABLE] == 1 then
      free = free + lot[LOT.REMAINING] - lot[LOT.HELD]
    end
  end
  return math.min(free, math.max(change.available, 0))
end

-- Whether a wallet has room for the lots that the parcels become, once they have paid what is overdrawn.
local function has_room_for(wallet, parcels)
  local owed, count = wallet[WALLET.OVERDRAWN], #wallet[WALLET.LOTS]
  for _, parcel in ipairs(parcels) do
    local left = math.max(parcel.amount - owed, 0)
    owed = math.max(owed - parcel.amount, 0)
    if left > 0 and count < LOTS_MAX then
      count = count + 1
    elseif left > 0 and not twin_of(wallet[WALLET.LOTS], parcel.kind, parcel.expires, parcel.transferable) then
      return false
    end
  end
  return true
end

-- Why a wallet cannot take them in; nil where it can.
local function arrival_objection(change, parcels, amount)
  if is_closed(change.wallet) then
    return REASON.WALLET_CLOSED
  elseif is_frozen(change.wallet) then
    return REASON.WALLET_FROZEN
  elseif out_of_range(change, amount) then
    return REASON.AMOUNT_OUT_OF_RANGE
  end
  return not has_room_for(change.wallet, parcels) and REASON.TOO_MANY or nil
end

-- Take what was chosen out of one wallet, and put it into the other.
local function move_parcels(bucket, from, to, parcels, taken)
  for _, part in ipairs(taken) do
    local lot, amount = part[1], part[2]
    lot[LOT.REMAINING] = lot[LOT.REMAINING] - amount
    from.wallet[WALLET.CREDIT] = from.wallet[WALLET.CREDIT] - amount
    note_lot(from.lots, lot, -amount, 0)
  end
  for _, parcel in ipairs(parcels) do
    credit(bucket, to, parcel.amount, parcel.kind, parcel.expires, parcel.transferable, parcel.notice)
  end
end
