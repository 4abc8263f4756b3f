-- include: plain_entries
-- include: seen
-- The plain path of outcomes: a hold in the wallet's lot ends. See plain_submit.lua.

-- End a hold in the wallet's lot: `spent` is its price, or 0 where it is released.
local function settle_row(bucket, i, wallet, wallet_at, at, now, charge_on, price, spent, fee, name, sender)
  local state = spent > 0 and STATE.COMMITTED or STATE.RELEASED
  emit_change(bucket, i, wallet, wallet_at, spent > 0 and KIND.COMMITTED or KIND.RELEASED, DECIDED.NONE, spent, -price,
    state, charge_on, sender, fee, 0, emit_row)
  if bucket.charge_slots[at] == nil then
    bucket.charges_gone[#bucket.charges_gone + 1] = bucket.charge_keys[at]
  end
  keep_row(bucket, at, slot_of(bucket, now), pack_charge_row(state, charge_on, now, name, price, fee, 0, '', sender))
end

-- What a hold's outcome does, where it is plain: see the function below.
local function end_hold(bucket, i, packed, rest, wallet, wallet_at, at, now, moment, charge_on, name, available)
  local price, fee, deadline, lot, sender = unpack_charge_rest(packed, rest)
  if lot ~= wallet[PLAIN.LOT] or deadline <= bucket.last_ts then
    return false
  elseif moment < MOMENT.FAILED then
    settle_row(bucket, i, wallet, wallet_at, at, now, charge_on, price, price, fee, name, sender)
  elseif (moment ~= MOMENT.FAILED or fee == 0) and wallet[PLAIN.WAITING] == 0
    and is_quiet(wallet, available + price) then
    settle_row(bucket, i, wallet, wallet_at, at, now, charge_on, price, 0, fee, name, sender)
  else
    return false
  end
  return true
end

-- Make the plain path of a call's outcomes: a function of an input's place and row.
local function plain_outcome(bucket)
  local masks, known, wallets, rows, names = bucket.masks, bucket.ids_known, bucket.plain, bucket.charge_rows,
    bucket.wallet_names
  local has_repeats, remember, window_ms = bucket.ids_new, bucket.remember, bucket.window_ms

  return function(i, customer_at, wallet_at, charge_at, now, moment)
    local packed = rows[charge_at]
    if not packed or known[i] or not is_charge_row(packed) or (has_repeats and may_be_seen(bucket, i)) then
      return false
    end
    local mask, wallet = masks[customer_at], wallets[wallet_at] or plain_wallet(bucket, wallet_at)
    if mask == nil then
      mask = mask_of(bucket, customer_at)
    end
    if mask ~= 0 or not wallet or now >= wallet[PLAIN.SOONEST] then
      return false
    end
    local state, charge_on, touched, name, rest = unpack_charge_head(packed)
    local available, reason = wallet[PLAIN.CREDIT] - wallet[PLAIN.HELD], 0
    if name ~= names[wallet_at] or available <= wallet[PLAIN.FLOOR] or available >= wallet[PLAIN.CEILING] then
      return false
    elseif state == STATE.COMMITTED
      and (touched > now - window_ms or slot_is_live(bucket, slot_of(bucket, touched), now)) then
      reason = moment >= charge_on and REASON.SETTLED or 0
      emit_unchanged(bucket, i, wallet, wallet_at, KIND.NOTED, reason, DECIDED.NONE)
    elseif state ~= STATE.HELD then
      return false
    elseif moment < charge_on then
      emit_unchanged(bucket, i, wallet, wallet_at, KIND.NOTED, 0, DECIDED.NONE)
    elseif not end_hold(bucket, i, packed, rest, wallet, wallet_at, charge_at, now, moment, charge_on, name, available) then
      return false
    end
    remember(i, now, DECIDED.NONE, reason)
    return true
  end
end
