-- include: seen
-- include: wallet_of
-- include: customers
-- include: charge_records
-- include: timers
-- include: emit
-- include: structs
-- The plain path: a text of a customer in good order, with enough credit in one lot and nothing that comes of it but
-- its entry. Decided on figures alone, without the tables that the rules of the other parts need: a tenth of the cost.
-- Each function returns true where it decided, and changes nothing where it did not: any doubt goes the general way,
-- which would give the same to the byte (tests/ledger/test_plain_path.py drives the same histories through both).

-- A wallet on which nothing but its figures decides at `now`; nil otherwise.
local function usable_wallet(bucket, customer_at, wallet_at, now)
  local wallet = is_clear(bucket, customer_at) and plain_wallet(bucket, wallet_at)
  return wallet and now < wallet[PLAIN.SOONEST] and wallet or nil
end

-- Whether no rule has anything to say about `available` credit.
local function is_quiet(wallet, available)
  return available > wallet[PLAIN.FLOOR] and available < wallet[PLAIN.CEILING]
end

local function place_of_wallet_name(bucket, wallet, wallet_at)
  if wallet[PLAIN.NAME_PLACE] == 0 then
    wallet[PLAIN.NAME_PLACE] = place_of_name(bucket, bucket.wallet_names[wallet_at])
    wallet[PLAIN.LOT_PLACE] = place_of_name(bucket, wallet[PLAIN.LOT])
  end
  return wallet[PLAIN.NAME_PLACE]
end

-- An entry that changes nothing of the wallet.
local function emit_unchanged(bucket, i, wallet, wallet_at, kind, reason, decision)
  emit_row(bucket, pack_struct(RESULT_ROW, i, kind + 256 * reason + 65536 * decision,
    65536 * place_of_wallet_name(bucket, wallet, wallet_at), 0, 0, 0, 0, wallet[PLAIN.CREDIT] - wallet[PLAIN.HELD],
    wallet[PLAIN.HELD], 0, 0, 0, 0, 0))
end

-- An entry that takes `amount` out of the lot and holds `held` more of it (both may be below zero), and its charge.
local function emit_change(bucket, i, wallet, wallet_at, kind, decision, amount, held, state, charge_on, sender, price,
    fee, deadline)
  local credit_before, held_before, lot_held = wallet[PLAIN.CREDIT], wallet[PLAIN.HELD], wallet[PLAIN.LOT_HELD]
  local remaining, seq = wallet[PLAIN.REMAINING] - amount, wallet[PLAIN.SEQ] + 1
  local place = place_of_wallet_name(bucket, wallet, wallet_at)
  if held ~= 0 then
    lot_held = lot_held + held
    wallet[PLAIN.HELD], wallet[PLAIN.LOT_HELD] = held_before + held, lot_held
  end
  wallet[PLAIN.SEQ], wallet[PLAIN.CREDIT], wallet[PLAIN.REMAINING], wallet[PLAIN.CHANGED] = seq, credit_before - amount,
    remaining, true
  emit_row(bucket, pack_struct(RESULT_ROW, i, kind + 65536 * decision + 16777216 * state, charge_on + 65536 * place,
    wallet[PLAIN.LOT_PLACE] + (sender and sender ~= '' and 65536 * place_of_name(bucket, sender) or 0), seq, -amount, held,
    credit_before - held_before, held_before, remaining, lot_held, price, fee, deadline))
end

-- Keep a charge; `slot` false where it is held.
local function keep_row(bucket, key, slot, packed)
  bucket.charges[key], bucket.charges_packed[key], bucket.charges_dirty[key] = nil, packed, slot
end

-- Flags of submissions that the plain path knows, and whether it is to remember the charge.
local KNOWN_FLAGS = {
  [0] = { is_remembered = false }, [FLAG.SINGLE] = { is_remembered = false },
  [FLAG.REMEMBER] = { is_remembered = true }, [FLAG.SINGLE + FLAG.REMEMBER] = { is_remembered = true },
}

local function plain_submit(bucket, i, customer_at, wallet_at, charge_at, sender_at, now, price, charge_on, deadline,
    fee, flags)
  local wallet, key = usable_wallet(bucket, customer_at, wallet_at, now), bucket.charge_keys[charge_at]
  local known = KNOWN_FLAGS[flags]
  if not wallet or not known or not is_new(bucket, i)
    or (key and (bucket.charges[key] or bucket.charges_packed[key])) then
    return false
  end
  local sender_key = bucket.sender_keys[sender_at]
  local is_kept = key and (charge_on ~= MOMENT.SUBMIT or known.is_remembered)
  if sender_key and bucket.senders[sender_key] then
    if is_kept then
      return false
    end
    emit_unchanged(bucket, i, wallet, wallet_at, KIND.DENIED, REASON.BLOCKED, DECIDED.DENIED)
    remember_event(bucket, bucket.digests[i], now, DECIDED.DENIED, REASON.BLOCKED)
    return true
  end
  local after = wallet[PLAIN.CREDIT] - wallet[PLAIN.HELD] - price
  if price <= 0 or not is_quiet(wallet, after) or wallet[PLAIN.REMAINING] - wallet[PLAIN.LOT_HELD] <= price then
    return false
  end
  local name, sender = bucket.wallet_names[wallet_at], ''
  if is_kept and sender_key then
    sender = string.sub(sender_key, #bucket.customers_listed.names[customer_at] + 2)
  end
  if charge_on == MOMENT.SUBMIT then
    emit_change(bucket, i, wallet, wallet_at, KIND.DEBITED, DECIDED.ALLOWED, price, 0, is_kept and STATE.COMMITTED or 0,
      charge_on, sender, price, fee, 0)
    if is_kept then
      keep_row(bucket, key, slot_of(bucket, now),
        pack_charge_row(STATE.COMMITTED, charge_on, price, price, fee, 0, now, name, '', sender))
    end
  else
    emit_change(bucket, i, wallet, wallet_at, KIND.RESERVED, DECIDED.ALLOWED, 0, price, STATE.HELD, charge_on, sender,
      price, fee, deadline)
    keep_row(bucket, key, false,
      pack_charge_row(STATE.HELD, charge_on, price, 0, fee, deadline, now, name, wallet[PLAIN.LOT], sender))
    set_timer(bucket, 'h\0' .. key, deadline)
  end
  remember_event(bucket, bucket.digests[i], now, DECIDED.ALLOWED, 0)
  return true
end

-- End a hold in the wallet's lot: `spent` is its price, or 0 where it is released.
local function settle_row(bucket, i, wallet, wallet_at, key, now, charge_on, price, spent, fee, name, sender)
  local state = spent > 0 and STATE.COMMITTED or STATE.RELEASED
  emit_change(bucket, i, wallet, wallet_at, spent > 0 and KIND.COMMITTED or KIND.RELEASED, DECIDED.NONE, spent, -price,
    state, charge_on, sender, price, fee, 0)
  keep_row(bucket, key, slot_of(bucket, now),
    pack_charge_row(state, charge_on, price, spent, fee, 0, now, name, '', sender))
  clear_timer(bucket, 'h\0' .. key, not bucket.charges_stored[key])
end

local function plain_outcome(bucket, i, customer_at, wallet_at, charge_at, now, moment, flags)
  local key = bucket.charge_keys[charge_at]
  local packed = bucket.charges_packed[key]
  local wallet = packed and is_charge_row(packed) and flags == 0 and usable_wallet(bucket, customer_at, wallet_at, now)
  if not wallet or not is_new(bucket, i) then
    return false
  end
  local state, charge_on, price, committed, fee, deadline, touched, name, lot, sender = unpack_charge_row(packed)
  local available = wallet[PLAIN.CREDIT] - wallet[PLAIN.HELD]
  if name ~= bucket.wallet_names[wallet_at] or not is_quiet(wallet, available) then
    return false
  end
  local reason = 0
  if state == STATE.COMMITTED and slot_is_live(bucket, slot_of(bucket, touched), now) then
    reason = moment >= charge_on and REASON.SETTLED or 0
    emit_unchanged(bucket, i, wallet, wallet_at, KIND.NOTED, reason, DECIDED.NONE)
  elseif state ~= STATE.HELD or committed ~= 0 or lot ~= wallet[PLAIN.LOT] then
    return false
  elseif moment < charge_on then
    emit_unchanged(bucket, i, wallet, wallet_at, KIND.NOTED, 0, DECIDED.NONE)
  elseif moment < MOMENT.FAILED then
    settle_row(bucket, i, wallet, wallet_at, key, now, charge_on, price, price, fee, name, sender)
  elseif (moment ~= MOMENT.FAILED or fee == 0) and wallet[PLAIN.WAITING] == 0 and is_quiet(wallet, available + price) then
    settle_row(bucket, i, wallet, wallet_at, key, now, charge_on, price, 0, fee, name, sender)
  else
    return false
  end
  remember_event(bucket, bucket.digests[i], now, DECIDED.NONE, reason)
  return true
end
