-- include: wallet_of
-- include: available
-- Blocks of senders and wallets: set by a denial for want of credit, lifted as soon as there is enough.

local function sender_of(bucket, key)
  local sender = bucket.senders[key]
  if sender == nil then
    local packed = redis.call('HGET', bucket.keys.senders, key)
    sender = packed and cmsgpack.unpack(packed) or false
    bucket.senders[key] = sender
  end
  return sender
end

local function note_block(change, level, id, blocked, changed, reason, wallet, needed, manual)
  change.blocks = change.blocks or {}
  change.blocks[#change.blocks + 1] = { level, id, blocked, changed, reason, wallet, needed, manual }
end

-- Block for want of credit: the wallet where nothing is left to spend, else the sender alone.
local function block_for_want(bucket, change, customer, sender_key, needed)
  local wallet, policy = change.wallet, customer.policy
  needed = needed - policy.overdraft
  local exhausted = available_of(wallet) + policy.overdraft <= policy.block_level
  if not exhausted and sender_key and #wallet[WALLET.BLOCKED] >= SENDERS_BLOCKED_MAX then
    exhausted = true
  end
  if exhausted then
    if not wallet[WALLET.BLOCK] then
      wallet[WALLET.BLOCK] = { needed, change.now, bucket.seq + 1 }
      change.touched = true
      note_block(change, LEVEL.WALLET, change.name, 1, 1, REASON.INSUFFICIENT_CREDIT, change.name, needed, 0)
    end
  elseif sender_key then
    local sender = sender_of(bucket, sender_key)
    if not sender or sender[SENDER.AUTO] == 0 then
      local manual = sender and sender[SENDER.MANUAL] or 0
      local name = string.sub(sender_key, #customer.name + 2)
      bucket.senders[sender_key] = { change.name, needed, manual == 1 and sender[SENDER.SINCE] or change.now,
        bucket.seq + 1, manual, 1 }
      bucket.senders_dirty[sender_key] = true
      local blocked = wallet[WALLET.BLOCKED]
      blocked[#blocked + 1] = name
      change.touched = true
      note_block(change, LEVEL.SENDER, name, 1, 1 - manual, REASON.INSUFFICIENT_CREDIT, change.name, needed, manual)
    end
  end
end

-- Lift what has become unnecessary: the wallet's block, then its senders' in the order in which they were blocked.
local function lift_blocks(bucket, change, available)
  local wallet = change.wallet
  local block = wallet[WALLET.BLOCK]
  if block and block[1] <= available then
    wallet[WALLET.BLOCK] = false
    note_block(change, LEVEL.WALLET, change.name, 0, 1, REASON.INSUFFICIENT_CREDIT, change.name, 0, 0)
  end
  local blocked = wallet[WALLET.BLOCKED]
  if #blocked == 0 then
    return
  end
  local rest = {}
  for n = 1, #blocked do
    local key = change.customer .. '\0' .. blocked[n]
    local sender = sender_of(bucket, key)
    if sender[SENDER.NEEDED] <= available then
      local manual = sender[SENDER.MANUAL]
      sender[SENDER.AUTO], sender[SENDER.WALLET], sender[SENDER.NEEDED] = 0, '', 0
      if manual == 0 then
        bucket.senders[key] = false
      end
      bucket.senders_dirty[key] = true
      note_block(change, LEVEL.SENDER, blocked[n], manual, 1 - manual, REASON.INSUFFICIENT_CREDIT, '', 0, manual)
    else
      rest[#rest + 1] = blocked[n]
    end
  end
  wallet[WALLET.BLOCKED] = rest
end
