-- include: wallet_of
-- include: customers
-- include: charge_records
-- include: emit
-- include: structs
-- What the plain path decides on, and how it tells it: the figures of a wallet, and rows.

-- Whether no rule has anything to say about `available` credit.
local function is_quiet(wallet, available)
  return available > wallet[PLAIN.FLOOR] and available < wallet[PLAIN.CEILING]
end

-- Note the wallet's names among those of the answer; returns its places, as a row has them.
local function place_names_of(bucket, wallet, wallet_at)
  wallet[PLAIN.NAME_PLACE] = place_of_name(bucket, bucket.wallet_names[wallet_at])
  wallet[PLAIN.NAME_PLACES] = wallet[PLAIN.NAME_PLACE] + LOT_AT * place_of_name(bucket, wallet[PLAIN.LOT])
  return wallet[PLAIN.NAME_PLACES]
end

-- An entry that changes nothing of the wallet.
local function emit_unchanged(bucket, i, wallet, wallet_at, kind, reason, decision)
  if wallet[PLAIN.NAME_PLACES] == 0 then
    place_names_of(bucket, wallet, wallet_at)
  end
  local held = wallet[PLAIN.HELD]
  emit_row(bucket, pack_struct(UNCHANGED_ROW, i + KIND_AT * kind + REASON_AT * reason + DECIDED_AT * decision,
    wallet[PLAIN.NAME_PLACE], wallet[PLAIN.CREDIT] - held, held, ZEROS))
end

-- An entry that takes `price` out of the lot, without a charge after it; `emit_one` is what emits its row.
local function emit_debit(bucket, i, wallet, wallet_at, price, emit_one)
  local credit_before, held, remaining, seq = wallet[PLAIN.CREDIT], wallet[PLAIN.HELD], wallet[PLAIN.REMAINING] - price,
    wallet[PLAIN.SEQ] + 1
  local places = wallet[PLAIN.NAME_PLACES]
  if places == 0 then
    places = place_names_of(bucket, wallet, wallet_at)
  end
  wallet[PLAIN.SEQ], wallet[PLAIN.CREDIT], wallet[PLAIN.REMAINING], wallet[PLAIN.CHANGED] = seq, credit_before - price,
    remaining, true
  emit_one(bucket, pack_struct(CHANGED_FREE_ROW, i + (KIND_AT * KIND.DEBITED + DECIDED_AT * DECIDED.ALLOWED), places,
    credit_before - held, held, seq, -price, remaining, wallet[PLAIN.LOT_HELD], ZEROS))
end

-- An entry that takes `amount` out of the lot and holds `held` more of it (both may be below zero), and its charge, whose
-- price is what is taken or held.
local function emit_change(bucket, i, wallet, wallet_at, kind, decision, amount, held, state, charge_on, sender, fee,
    deadline, emit_one)
  local credit_before, held_before, lot_held = wallet[PLAIN.CREDIT], wallet[PLAIN.HELD], wallet[PLAIN.LOT_HELD]
  local remaining, seq = wallet[PLAIN.REMAINING] - amount, wallet[PLAIN.SEQ] + 1
  local places = wallet[PLAIN.NAME_PLACES]
  if places == 0 then
    places = place_names_of(bucket, wallet, wallet_at)
  end
  if sender ~= '' then
    places = places + SENDER_AT * (bucket.name_places[sender] or place_of_name(bucket, sender))
  end
  if held ~= 0 then
    lot_held = lot_held + held
    wallet[PLAIN.HELD], wallet[PLAIN.LOT_HELD] = held_before + held, lot_held
  end
  wallet[PLAIN.SEQ], wallet[PLAIN.CREDIT], wallet[PLAIN.REMAINING], wallet[PLAIN.CHANGED] = seq, credit_before - amount,
    remaining, true
  emit_one(bucket, pack_struct(CHANGED_ROW, i + KIND_AT * kind + DECIDED_AT * decision + STATE_AT * state
    + CHARGE_ON_AT * charge_on, places, credit_before - held_before, held_before, seq, -amount, remaining, lot_held, held,
    fee, deadline))
end

-- Keep a charge by its place among the call's, packed; `slot` false where it is held.
local function keep_row(bucket, at, slot, packed)
  bucket.charge_rows[at], bucket.charge_slots[at] = packed, slot
  if at > bucket.charges_kept then
    bucket.charges_kept = at
  end
end
