-- include: available
-- How lots change. Every function notes what it did to a lot in `changes`: {lot, change of remaining, change of held,
-- remaining, held} and, for a new lot, {kind, expires}.

local function note_lot(changes, lot, amount, held)
  changes[#changes + 1] = { lot[LOT.ID], amount, held, lot[LOT.REMAINING], lot[LOT.HELD] }
end

local function find_lot(wallet, id)
  local lots = wallet[WALLET.LOTS]
  for n = 1, #lots do
    if lots[n][LOT.ID] == id then
      return lots[n]
    end
  end
  return nil
end

-- Take up to `amount` of free credit from the lots in their order; the rest is returned.
local function take_free(wallet, amount, changes)
  local lots = wallet[WALLET.LOTS]
  local left = amount
  for n = 1, #lots do
    if left == 0 then
      break
    end
    local lot = lots[n]
    local free = lot[LOT.REMAINING] - lot[LOT.HELD]
    if free > 0 then
      local part = free < left and free or left
      lot[LOT.REMAINING] = lot[LOT.REMAINING] - part
      note_lot(changes, lot, -part, 0)
      left = left - part
    end
  end
  wallet[WALLET.CREDIT] = wallet[WALLET.CREDIT] - (amount - left)
  return left
end

-- Debit: free credit of lots in order, the rest becomes overdrawn.
local function debit(wallet, amount, changes)
  local left = take_free(wallet, amount, changes)
  wallet[WALLET.OVERDRAWN] = wallet[WALLET.OVERDRAWN] + left
end

-- While something is overdrawn no lot is free: what became free pays it.
local function pay_overdrawn(wallet, changes)
  local overdrawn = wallet[WALLET.OVERDRAWN]
  if overdrawn > 0 then
    wallet[WALLET.OVERDRAWN] = take_free(wallet, overdrawn, changes)
  end
end

-- Hold: free credit of lots in order, the rest beyond the lots. Returns the parts {{lot, amount}, ...}.
local function hold(wallet, amount, changes, parts)
  local lots = wallet[WALLET.LOTS]
  local left = amount
  for n = 1, #lots do
    if left == 0 then
      break
    end
    local lot = lots[n]
    local free = lot[LOT.REMAINING] - lot[LOT.HELD]
    if free > 0 then
      local part = free < left and free or left
      lot[LOT.HELD] = lot[LOT.HELD] + part
      parts[#parts + 1] = { lot[LOT.ID], part }
      note_lot(changes, lot, 0, part)
      left = left - part
    end
  end
  if left > 0 then
    wallet[WALLET.HELD_OVER] = wallet[WALLET.HELD_OVER] + left
    parts[#parts + 1] = { '', left }
  end
  wallet[WALLET.HELD] = wallet[WALLET.HELD] + amount
  return parts
end

-- Consume up to `amount` of held parts in their order. Returns the parts that are left.
local function consume(wallet, parts, amount, changes)
  local rest, left = {}, amount
  for n = 1, #parts do
    local id, part = parts[n][1], parts[n][2]
    local used = part < left and part or left
    if used > 0 then
      wallet[WALLET.HELD] = wallet[WALLET.HELD] - used
      if id == '' then
        wallet[WALLET.HELD_OVER] = wallet[WALLET.HELD_OVER] - used
        debit(wallet, used, changes)
      else
        local lot = find_lot(wallet, id)
        lot[LOT.REMAINING] = lot[LOT.REMAINING] - used
        lot[LOT.HELD] = lot[LOT.HELD] - used
        wallet[WALLET.CREDIT] = wallet[WALLET.CREDIT] - used
        note_lot(changes, lot, -used, -used)
      end
      left = left - used
    end
    if part > used then
      rest[#rest + 1] = { id, part - used }
    end
  end
  return rest
end
