-- include: wallet_of
-- include: place_among
-- include: available
-- include: causes
-- Blocks of senders and wallets: where they are kept, and want of credit, which sets and lifts them by itself.

local function sender_name(customer, sender_key)
  return sender_key and string.sub(sender_key, #customer.name + 2) or false
end

-- The record of a sender where it is blocked, as it was read with all others of the call, or else from Redis; false where
-- it is not.
local function sender_of(bucket, key)
  local sender = bucket.senders[key]
  if sender == nil then
    local at = place_among(bucket, 'sender_keys', key)
    local packed = at and bucket.senders_packed[at]
    if not at then
      packed = redis.call('HGET', bucket.keys[KEY.SENDERS], key)
    end
    sender = packed and cmsgpack.unpack(packed) or false
    bucket.senders[key] = sender
  end
  return sender
end

-- Where a change notes the blocks that came or went with it.
local function blocks_noted(change)
  change.blocks = change.blocks or {}
  return change.blocks
end

-- Put a cause on a wallet, or take one off. Both keep the wallet; nothing where it is so already.
local function block_wallet(bucket, change, cause, more)
  local block = add_cause(blocks_noted(change), LEVEL.WALLET, change.name, change.wallet[WALLET.BLOCK], cause,
    change.now, bucket.seq + 1, more)
  if block then
    change.wallet[WALLET.BLOCK], change.touched = block, true
  end
end

local function unblock_wallet(change, cause)
  local block = remove_cause(blocks_noted(change), LEVEL.WALLET, change.name, change.wallet[WALLET.BLOCK], cause)
  if block ~= nil then
    change.wallet[WALLET.BLOCK], change.touched = block, true
  end
end

-- The same of a sender; `list` is where the entry notes its blocks. Returns whether anything changed.
local function block_sender_for(bucket, list, sender_key, name, cause, now, more)
  local sender = add_cause(list, LEVEL.SENDER, name, sender_of(bucket, sender_key), cause, now, bucket.seq + 1, more)
  if sender then
    bucket.senders[sender_key], bucket.senders_dirty[sender_key] = sender, true
  end
  return sender ~= nil
end

local function unblock_sender_from(bucket, list, sender_key, name, cause)
  local sender = remove_cause(list, LEVEL.SENDER, name, sender_of(bucket, sender_key), cause)
  if sender ~= nil then
    bucket.senders[sender_key], bucket.senders_dirty[sender_key] = sender, true
  end
  return sender ~= nil
end

-- Block for want of credit: the wallet where nothing is left to spend, else the sender alone.
-- `needed` is what has to be there besides the overdraft for it to be lifted.
local function block_for_want(bucket, change, sender_key, name, needed, overdraft)
  local wallet = change.wallet
  local want = { wallet = change.name, needed = needed - overdraft }
  local is_exhausted = available_of(wallet) + overdraft <= 0
  if is_exhausted or (sender_key and #wallet[WALLET.BLOCKED] >= SENDERS_BLOCKED_MAX) then
    return block_wallet(bucket, change, CAUSE.INSUFFICIENT_CREDIT, want)
  end
  if sender_key then
    if block_sender_for(bucket, blocks_noted(change), sender_key, name, CAUSE.INSUFFICIENT_CREDIT, change.now, want) then
      local blocked = wallet[WALLET.BLOCKED]
      blocked[#blocked + 1] = name
      change.touched = true
    end
  end
end

-- A wallet is blocked while less is available than the level of a rule that locks.
local function lock_below_level(bucket, change, available)
  local level = nil
  local rules = change.wallet[WALLET.RULES]
  for n = 1, #rules do
    if rules[n][RULE.LOCKS] == 1 then
      level = math.max(level or rules[n][RULE.LEVEL], rules[n][RULE.LEVEL])
    end
  end
  if level and available < level then
    block_wallet(bucket, change, CAUSE.BELOW_LEVEL, { wallet = change.name, needed = level })
  elseif change.wallet[WALLET.BLOCK] then
    unblock_wallet(change, CAUSE.BELOW_LEVEL)
  end
end

-- Lift what has become unnecessary: the wallet's block, then its senders' in the order in which they were blocked.
local function lift_blocks(bucket, change, available)
  local wallet = change.wallet
  local block = wallet[WALLET.BLOCK]
  if block and block[BLOCK.NEEDED] <= available then
    unblock_wallet(change, CAUSE.INSUFFICIENT_CREDIT)
  end
  local blocked = wallet[WALLET.BLOCKED]
  if #blocked == 0 then
    return
  end
  local rest = {}
  for n = 1, #blocked do
    local key = change.customer .. '\0' .. blocked[n]
    if sender_of(bucket, key)[BLOCK.NEEDED] <= available then
      unblock_sender_from(bucket, blocks_noted(change), key, blocked[n], CAUSE.INSUFFICIENT_CREDIT)
    else
      rest[#rest + 1] = blocked[n]
    end
  end
  wallet[WALLET.BLOCKED] = rest
end

-- Take a sender out of the line of those blocked for want of credit in a wallet.
local function leave_line(bucket, wallet_key, name)
  local wallet, rest = wallet_of(bucket, wallet_key), {}
  for n = 1, #wallet[WALLET.BLOCKED] do
    if wallet[WALLET.BLOCKED][n] ~= name then
      rest[#rest + 1] = wallet[WALLET.BLOCKED][n]
    end
  end
  wallet[WALLET.BLOCKED] = rest
  bucket.wallets_dirty[wallet_key] = true
end

-- Put a cause on a customer as a whole, or take it off. False where it is so already.
local function change_customer_cause(bucket, list, customer, cause, sets, now)
  local record = customer.record
  local causes = record[CUSTOMER.CAUSES]
  if has_cause(causes, cause) == sets then
    return false
  end
  local block = { sets and causes + cause or causes - cause, '', 0, 0, now, bucket.seq + 1 }
  local changed = (causes == 0 or block[BLOCK.CAUSES] == 0) and 1 or 0
  record[CUSTOMER.CAUSES] = block[BLOCK.CAUSES]
  bucket.customers_dirty[customer.name] = record
  note_block(list, LEVEL.CUSTOMER, customer.name, block, changed, REASON_OF_CAUSE[cause])
  return true
end
