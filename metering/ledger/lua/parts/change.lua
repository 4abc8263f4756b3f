-- include: begin
-- include: lots
-- include: rules
-- include: blocks
-- include: states
-- include: limit_path
-- include: counting
-- include: emit
-- Finish what an entry did to a wallet, and to further ones: `finish` sees to everything that follows from it.

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

-- Conclude the change of one wallet: number it, tidy its lots, ask its rules, lift its blocks.
local function conclude(bucket, change)
  local wallet = change.wallet
  local after = available_of(wallet)
  local held_change = wallet[WALLET.HELD] - change.held
  local amount = wallet[WALLET.CREDIT] - wallet[WALLET.OVERDRAWN] - change.balance
  change.after, change.held_change, change.amount, change.wallet_seq = after, held_change, amount, 0
  if #change.lots > 0 or amount ~= 0 or held_change ~= 0 then
    change.wallet_seq = wallet[WALLET.SEQ] + 1
    wallet[WALLET.SEQ] = change.wallet_seq
    change.touched = true
    tidy_lots(bucket, change)
    check_rules(change, change.available, after)
    if after > change.available then
      lift_blocks(bucket, change, after)
    end
  end
  if change.touched then
    lock_below_level(bucket, change, after)
    bucket.wallets_dirty[change.key] = true
  end
  if change.blocks and #change.blocks == 0 then
    change.blocks = nil
  end
end

-- Add to the entry's list what a further wallet has to tell, its name at `place`.
local function tell(extras, list, told, wallet, place)
  for n = 1, told and #told or 0 do
    extras[list] = extras[list] or {}
    told[n][place] = wallet
    table.insert(extras[list], told[n])
  end
end

-- The further wallets of an entry, in their order: one leg for each that it changed.
local function conclude_others(bucket, change, extras)
  for n = 1, #change.others do
    local other = change.others[n]
    conclude(bucket, other)
    if other.wallet_seq > 0 then
      extras.legs = extras.legs or {}
      table.insert(extras.legs, { other.name, other.wallet_seq, other.wallet[WALLET.UNIT], other.amount,
        other.held_change, other.available, other.held, other.overdrawn, other.after, other.wallet[WALLET.HELD],
        other.wallet[WALLET.OVERDRAWN], other.lots })
    end
    tell(extras, 'alerts', other.alerts, other.name, 5)
    tell(extras, 'rules', other.rules, other.name, 10)
    tell(extras, 'blocks', other.blocks, other.name, 11)
  end
end

-- Finish a change as one entry. `charge` is the charge after it, `extras` what else the entry tells. Further wallets
-- that the same entry changed are in `change.others`, each begun like the first.
local function finish(bucket, input, change, kind, reason, decision, charge, extras)
  local wallet = change.wallet
  conclude(bucket, change)
  local priced = counters.note(bucket, change, kind, charge, extras)
  if priced then
    extras = extras or {}
    extras.price, extras.amounts = priced.total, priced.amounts
  end
  if limits.count(bucket, change, kind, charge) and reason == 0 then
    reason = REASON.LIMIT_REACHED
  end
  if change.blocks and #change.blocks == 0 then
    change.blocks = nil
  end
  if change.alerts or change.rules or change.blocks or change.others or #change.states > 0 then
    extras = extras or {}
    extras.alerts, extras.rules, extras.blocks = change.alerts, change.rules, change.blocks
    extras.states = #change.states > 0 and change.states or nil
    if change.others then
      conclude_others(bucket, change, extras)
    end
  end
  local image = false
  if charge then
    image = { unpack(charge, 1, CHARGE.TAKES) }
    image[CHARGE.RECIPIENTS] = extras and extras.recipients and copy_map(extras.recipients) or false
    if extras then
      extras.recipients = nil
    end
  end
  -- An empty table would be packed as a list.
  extras = extras and next(extras) ~= nil and extras or false
  emit(bucket, { input, kind, reason, decision, change.wallet_seq, change.amount, change.held_change,
    change.available, change.held, change.overdrawn, change.after, wallet[WALLET.HELD], wallet[WALLET.OVERDRAWN],
    change.lots, change.name, image, extras })
end
