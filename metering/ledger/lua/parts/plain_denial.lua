-- include: plain_entries
-- include: blocks
-- include: equipment
-- include: seen
-- The first denial of a sender for want of credit, which blocks it, in a wallet that is otherwise in good order.

-- How far below zero a text may go that is not scheduled (see objections.lua).
local function overdraft_at(bucket, customer_at)
  local policies = bucket.customers_listed.policies
  local sends_until_flag = policies[3 * customer_at] % (2 * SWITCH.SEND_UNTIL_FLAG) >= SWITCH.SEND_UNTIL_FLAG
  return sends_until_flag and 0 or policies[3 * customer_at - 1]
end

-- Note that a sender waits for credit in a wallet, in whichever form it is. Returns whether there was room for it.
local function note_waiting(bucket, plain, key, sender)
  if plain[PLAIN.WAITING] == 0 and plain[PLAIN.PACKED] then
    note_first_waiting(plain, sender)
    return true
  end
  local blocked = wallet_of(bucket, key)[WALLET.BLOCKED]
  if #blocked >= SENDERS_BLOCKED_MAX then
    return false
  end
  blocked[#blocked + 1] = sender
  bucket.wallets_dirty[key] = true
  return true
end

-- Deny input `i`; `kept_at` is the place of the charge that is remembered, or false.
local function plain_denial(bucket, i, customer_at, wallet_at, plain, sender_key, now, price, charge_on, fee, kept_at)
  local overdraft, available = overdraft_at(bucket, customer_at), plain[PLAIN.CREDIT] - plain[PLAIN.HELD]
  if price <= available + overdraft or not is_quiet(plain, available) then
    return false
  end
  local name, held, blocks = bucket.wallet_names[wallet_at], plain[PLAIN.HELD], {}
  local sender = string.sub(sender_key, #bucket.customers_listed.names[customer_at] + 2)
  if not note_waiting(bucket, plain, bucket.wallet_keys[wallet_at], sender) then
    return false
  end
  equip(bucket)
  block_sender_for(bucket, blocks, sender_key, sender, CAUSE.INSUFFICIENT_CREDIT, now,
    { wallet = name, needed = price - overdraft })
  local charge = false
  if kept_at then
    charge = { STATE.DENIED, name, price, 0, 0, charge_on, fee, 0, {}, sender, false, 0, false }
    keep_row(bucket, kept_at, slot_of(bucket, now),
      pack_charge_row(STATE.DENIED, charge_on, now, name, price, fee, 0, '', sender))
  end
  emit(bucket, { i, KIND.DENIED, REASON.INSUFFICIENT_CREDIT, DECIDED.DENIED, 0, 0, 0, available, held, 0, available, held,
    0, {}, name, charge, { blocks = blocks } })
  bucket.remember(i, now, DECIDED.DENIED, REASON.INSUFFICIENT_CREDIT)
  return true
end
