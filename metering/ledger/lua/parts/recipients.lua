-- include: change
-- include: charges
-- include: bytes_before
-- Charges of several recipients, whose outcomes come one by one.

local function note(bucket, i, change, reason)
  if change then
    return finish(bucket, i, change, KIND.NOTED, reason, DECIDED.NONE, false)
  end
  return emit_plain(bucket, i, KIND.NOTED, reason, DECIDED.NONE)
end

-- Whether to charge `price` while `freed` of the hold goes would leave the exact range.
local function charge_out_of_range(change, charge, price, freed)
  return out_of_range(change, -price, -freed) or charge[CHARGE.COMMITTED] + price >= MICROS_LIMIT
end

-- Several recipients: none is left to settle. Returns what the entry tells of it.
local function settle_all_recipients(charge)
  local recipients = charge[CHARGE.RECIPIENTS]
  if not recipients then
    return nil
  end
  local settled = {}
  for recipient in pairs(recipients) do
    settled[#settled + 1] = recipient
  end
  table.sort(settled, bytes_before)
  charge[CHARGE.RECIPIENTS] = false
  return { settled = settled }
end

-- Settle one recipient of several: its own price is charged, or released but for the fee.
local function settle_recipient(bucket, i, change, key, charge, recipient, fee)
  local recipients = charge[CHARGE.RECIPIENTS]
  local price = recipients[recipient]
  if not price then
    return note(bucket, i, change, REASON.SETTLED)
  end
  local due = fee or price
  if charge_out_of_range(change, charge, due, price) then
    return note(bucket, i, change, REASON.AMOUNT_OUT_OF_RANGE)
  end
  recipients[recipient] = nil
  local covered, others_held = math.min(due, price), charge[CHARGE.HELD] - price
  local parts = consume(change.wallet, charge[CHARGE.PARTS], covered, change.lots)
  if due > covered then
    debit(change.wallet, due - covered, change.lots)
  end
  -- What goes back are the parts at the end: what stays held comes first in the order of use.
  local kept, freed = split_parts(parts, others_held)
  release(change.wallet, freed, change.lots)
  charge[CHARGE.PARTS], charge[CHARGE.HELD] = kept, others_held
  charge[CHARGE.COMMITTED] = charge[CHARGE.COMMITTED] + due
  if next(recipients) == nil then
    charge[CHARGE.STATE], charge[CHARGE.RECIPIENTS] = STATE.COMMITTED, false
  end
  keep_charge(bucket, key, charge, change.now)
  local kind = fee == 0 and KIND.RELEASED or KIND.COMMITTED
  return finish(bucket, i, change, kind, 0, DECIDED.NONE, charge, { settled = { recipient } })
end

-- Charge one recipient of several late; the charge is committed with the last of them.
local function debit_recipient_late(bucket, i, change, key, charge, recipient)
  local recipients = charge[CHARGE.RECIPIENTS]
  local price = recipients[recipient]
  if not price then
    return note(bucket, i, change, REASON.SETTLED)
  elseif charge_out_of_range(change, charge, price, 0) then
    return note(bucket, i, change, REASON.AMOUNT_OUT_OF_RANGE)
  end
  debit(change.wallet, price, change.lots)
  charge[CHARGE.COMMITTED] = charge[CHARGE.COMMITTED] + price
  recipients[recipient] = nil
  if next(recipients) == nil then
    charge[CHARGE.STATE], charge[CHARGE.RECIPIENTS] = STATE.COMMITTED, false
  end
  keep_charge(bucket, key, charge, change.now)
  return finish(bucket, i, change, KIND.DEBITED, REASON.LATE, DECIDED.NONE, charge, { settled = { recipient } })
end

-- What is left to charge late of a charge whose hold is gone: of several recipients the sum of those not settled.
local function price_left(charge)
  local recipients = charge[CHARGE.RECIPIENTS]
  if not recipients then
    return charge[CHARGE.PRICE]
  end
  local sum = 0
  for _, price in pairs(recipients) do
    sum = sum + price
  end
  return sum
end
