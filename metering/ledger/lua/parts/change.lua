-- include: wallet_of
-- include: available
-- include: lots
-- include: rules
-- include: blocks
-- include: timers
-- One entry's change of a wallet: begin, change the lots, finish. `finish` sees to everything that follows from it.

local function begin(bucket, customer, name, now)
  local key = customer .. '\0' .. name
  local wallet = wallet_of(bucket, key)
  if not wallet then
    return nil
  end
  return {
    wallet = wallet, key = key, name = name, customer = customer, now = now, lots = {},
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

local function emit(bucket, entry)
  bucket.seq = bucket.seq + 1
  bucket.results[#bucket.results + 1] = entry
end

local NO_LOTS = {}

-- What an entry shows must not change with the charge: both may be settled in the same call.
local function copy_map(map)
  local copy = {}
  for key, value in pairs(map) do
    copy[key] = value
  end
  return copy
end

-- An entry that touches no wallet.
local function emit_plain(bucket, input, kind, reason, decision, extras)
  emit(bucket, { input, kind, reason, decision, 0, 0, 0, 0, 0, 0, 0, 0, 0, NO_LOTS, false, false, extras or false })
end

-- Finish a change as one entry. `charge` is the charge after it, `extras` what else the entry tells.
local function finish(bucket, input, change, kind, reason, decision, charge, extras)
  local wallet = change.wallet
  local after = available_of(wallet)
  local held_change = wallet[WALLET.HELD] - change.held
  local amount = wallet[WALLET.CREDIT] - wallet[WALLET.OVERDRAWN] - change.balance
  local wallet_seq = 0
  if #change.lots > 0 or amount ~= 0 or held_change ~= 0 then
    wallet_seq = wallet[WALLET.SEQ] + 1
    wallet[WALLET.SEQ] = wallet_seq
    change.touched = true
    tidy_lots(bucket, change)
    if #wallet[WALLET.RULES] > 0 then
      check_rules(change, change.available, after)
    end
    if after > change.available then
      lift_blocks(bucket, change, after)
    end
  end
  if change.touched then
    bucket.wallets_dirty[change.key] = true
  end
  if change.blocks and #change.blocks == 0 then
    change.blocks = nil
  end
  if change.alerts or change.rules or change.blocks then
    extras = extras or {}
    extras.alerts, extras.rules, extras.blocks = change.alerts, change.rules, change.blocks
  end
  local image = false
  if charge then
    image = { unpack(charge, 1, CHARGE.TOUCHED) }
    image[CHARGE.RECIPIENTS] = extras and extras.recipients and copy_map(extras.recipients) or false
    if extras then
      extras.recipients = nil
      -- An empty table would be packed as a list.
      extras = next(extras) ~= nil and extras
    end
  end
  emit(bucket, { input, kind, reason, decision, wallet_seq, amount, held_change,
    change.available, change.held, change.overdrawn, after, wallet[WALLET.HELD], wallet[WALLET.OVERDRAWN],
    change.lots, change.name, image, extras or false })
end
