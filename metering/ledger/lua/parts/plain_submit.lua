-- include: plain_entries
-- include: plain_limits
-- include: plain_denial
-- include: seen
-- The plain path: a text of a customer in good order, with enough credit in one lot and nothing that comes of it but
-- its entry. Decided on figures alone, without the tables that the rules of the other parts need: a tenth of the cost.
-- Each function returns true where it decided, and changes nothing where it did not: any doubt goes the general way,
-- which would give the same to the byte (tests/ledger/test_plain_path.py drives the same histories through both).
-- They are made once a call, and name what they read of the bucket: such a name costs a fifth of a field.

local DEBIT, KEPT, HOLD = 1, 2, 3
local SINGLE, REMEMBER, SENT, DELIVERED = SHAPE.FLAGS * FLAG.SINGLE, SHAPE.FLAGS * FLAG.REMEMBER,
  SHAPE.CHARGE_ON * MOMENT.SENT, SHAPE.CHARGE_ON * MOMENT.DELIVERED

-- What becomes of submissions of the shapes that the plain path knows: charged at once, and remembered where they name a
-- charge, or held.
local WAYS = {
  [OP.SUBMIT] = DEBIT, [OP.SUBMIT + SINGLE] = DEBIT,
  [OP.SUBMIT + REMEMBER] = KEPT, [OP.SUBMIT + SINGLE + REMEMBER] = KEPT,
  [OP.SUBMIT + SENT] = HOLD, [OP.SUBMIT + SENT + SINGLE] = HOLD,
  [OP.SUBMIT + SENT + REMEMBER] = HOLD, [OP.SUBMIT + SENT + SINGLE + REMEMBER] = HOLD,
  [OP.SUBMIT + DELIVERED] = HOLD, [OP.SUBMIT + DELIVERED + SINGLE] = HOLD,
  [OP.SUBMIT + DELIVERED + REMEMBER] = HOLD, [OP.SUBMIT + DELIVERED + SINGLE + REMEMBER] = HOLD,
}

local function is_single(shape)
  return floor(shape / SINGLE) % 2 == 1
end

local function charge_on_of(shape)
  return floor(shape / SHAPE.CHARGE_ON) % 4
end

-- Whether an event has nothing beside its figures but whom it concerns: no recipients, call or counters.
local function is_plain_beside(extra)
  return not (extra[1] or extra[2] or extra[INPUT.COUNTED - INPUT.FLAGS])
end

-- The name of the sender at a place, whose key begins with its customer; empty without one.
local function sender_at_place(bucket, at, customer_at)
  local names = bucket.sender_names
  local name, key = names[at], bucket.sender_keys[at]
  if not name then
    name = key and string.sub(key, #bucket.customers_listed.names[customer_at] + 2) or ''
    names[at] = name
  end
  return name
end

-- Charge at once what is remembered, or counts in the limits `met`.
local function debit_kept(bucket, i, shape, way, wallet, wallet_at, charge_at, sender, now, price, fee, met)
  local emit_one = met and count_in_limits(bucket, met, price) and emit_limited_row or emit_row
  if way ~= KEPT then
    return emit_debit(bucket, i, wallet, wallet_at, price, emit_one)
  end
  local charge_on, name = charge_on_of(shape), bucket.wallet_names[wallet_at]
  emit_change(bucket, i, wallet, wallet_at, KIND.DEBITED, DECIDED.ALLOWED, price, 0, STATE.COMMITTED, charge_on, sender,
    fee, 0, emit_one)
  keep_row(bucket, charge_at, slot_of(bucket, now),
    pack_charge_row(STATE.COMMITTED, charge_on, now, name, price, fee, 0, '', sender))
end

local function hold_kept(bucket, i, shape, wallet, wallet_at, charge_at, sender, now, price, deadline, fee)
  local charge_on = charge_on_of(shape)
  emit_change(bucket, i, wallet, wallet_at, KIND.RESERVED, DECIDED.ALLOWED, 0, price, STATE.HELD, charge_on, sender, fee,
    deadline, emit_row)
  bucket.charge_deadlines[charge_at] = deadline
  keep_row(bucket, charge_at, false, pack_charge_row(STATE.HELD, charge_on, now, bucket.wallet_names[wallet_at], price, fee,
    deadline, wallet[PLAIN.LOT], sender))
end

-- Make the plain path of a call's submissions: a function of an input's place and row.
local function plain_submit(bucket)
  local masks, more, known, wallets, last_ts = bucket.masks, bucket.more, bucket.ids_known, bucket.plain, bucket.last_ts
  local charge_keys, charge_rows, charges = bucket.charge_keys, bucket.charge_rows, bucket.charges
  local sender_keys, senders, senders_packed = bucket.sender_keys, bucket.senders, bucket.senders_packed
  local has_repeats = bucket.ids_new
  local remember = bucket.remember

  return function(i, shape, customer_at, wallet_at, charge_at, sender_at, now, price, deadline, fee)
    local extra = nil
    if shape >= SHAPE.MORE then
      extra, shape = more[floor(shape / SHAPE.MORE)], shape % SHAPE.MORE
    end
    local way, mask, key = WAYS[shape], masks[customer_at], charge_keys[charge_at]
    if not way or known[i] or price <= 0 then
      return false
    elseif mask == nil then
      mask = mask_of(bucket, customer_at)
    end
    local wallet = wallets[wallet_at] or plain_wallet(bucket, wallet_at)
    if not (mask and wallet) or now >= wallet[PLAIN.SOONEST] or (key and (charge_rows[charge_at] or charges[key]))
      or (has_repeats and may_be_seen(bucket, i)) or (extra and not is_plain_beside(extra))
      or (way == HOLD and (not key or deadline <= last_ts)) then
      return false
    end
    way = key and way or DEBIT
    local sender_key, blocked = sender_keys[sender_at], nil
    if sender_key then
      blocked = senders[sender_key]
      if blocked == nil then
        blocked = senders_packed[sender_at]
      end
    end
    if blocked then
      if way ~= DEBIT then
        return false
      end
      emit_unchanged(bucket, i, wallet, wallet_at, KIND.DENIED, REASON.BLOCKED, DECIDED.DENIED)
      remember(i, now, DECIDED.DENIED, REASON.BLOCKED)
      return true
    end
    local after = wallet[PLAIN.CREDIT] - wallet[PLAIN.HELD] - price
    if after <= wallet[PLAIN.FLOOR] or after >= wallet[PLAIN.CEILING]
      or wallet[PLAIN.REMAINING] - wallet[PLAIN.LOT_HELD] <= price then
      return after < 0 and sender_key and is_single(shape) and mask == 0
        and plain_denial(bucket, i, customer_at, wallet_at, wallet, sender_key, now, price, charge_on_of(shape), fee,
          way ~= DEBIT and charge_at)
    end
    local met = mask > 0 and limits_with_room(bucket, i, mask, now, price)
    if mask > 0 and (way == HOLD or not met) then
      return false
    elseif way == HOLD then
      hold_kept(bucket, i, shape, wallet, wallet_at, charge_at, sender_at_place(bucket, sender_at, customer_at), now, price,
        deadline, fee)
    elseif way == KEPT or met then
      debit_kept(bucket, i, shape, way, wallet, wallet_at, charge_at, sender_at_place(bucket, sender_at, customer_at), now,
        price, fee, met)
    else
      emit_debit(bucket, i, wallet, wallet_at, price, emit_row)
    end
    remember(i, now, DECIDED.ALLOWED, 0)
    return true
  end
end
