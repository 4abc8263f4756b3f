-- include: wallet_of
-- include: available
-- include: timers
-- One entry's change of a wallet, from its beginning. `finish` (change.lua) ends it.

local function begin(bucket, customer, name, now)
  local key = customer .. '\0' .. name
  local wallet = wallet_of(bucket, key)
  if not wallet then
    return nil
  end
  return {
    wallet = wallet, key = key, name = name, customer = customer, now = now, lots = {}, states = {},
    available = available_of(wallet), held = wallet[WALLET.HELD], overdrawn = wallet[WALLET.OVERDRAWN],
    balance = wallet[WALLET.CREDIT] - wallet[WALLET.OVERDRAWN],
  }
end

-- Whether a change of balance by `amount`, and of what is held by `held`, would leave the range in which Lua's numbers
-- are exact.
local function out_of_range(change, amount, held)
  held = held or 0
  return math.abs(change.balance + amount) >= MICROS_LIMIT or change.held + held >= MICROS_LIMIT
    or math.abs(change.available + (amount - held)) >= MICROS_LIMIT
end

-- Drop lots that are used up, and have those that expired while they were held lapse at once.
local function tidy_lots(bucket, change)
  local lots = change.wallet[WALLET.LOTS]
  local kept = nil
  for n = 1, #lots do
    local lot = lots[n]
    if lot[LOT.REMAINING] == 0 and lot[LOT.HELD] == 0 then
      kept = kept or { unpack(lots, 1, n - 1) }
      if lot[LOT.EXPIRES] > 0 then
        clear_timer(bucket, 'l\0' .. change.key .. '\0' .. lot[LOT.ID])
      end
      if lot[LOT.NOTICE] > 0 then
        clear_timer(bucket, 'e\0' .. change.key .. '\0' .. lot[LOT.ID])
      end
    else
      if lot[LOT.EXPIRES] > 0 and lot[LOT.EXPIRES] <= change.now and lot[LOT.REMAINING] > lot[LOT.HELD] then
        set_timer(bucket, 'l\0' .. change.key .. '\0' .. lot[LOT.ID], lot[LOT.EXPIRES])
      end
      if kept then
        kept[#kept + 1] = lot
      end
    end
  end
  if kept then
    change.wallet[WALLET.LOTS] = kept
  end
end
