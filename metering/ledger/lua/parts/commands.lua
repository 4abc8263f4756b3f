-- include: handlers
-- include: change
-- include: credit
-- include: refusals
-- include: alert_rules
-- include: cycles
-- include: profiles
-- Commands: what changes credit and settings. Each gives one entry, a refusal included.

-- What a customer's entry tells of its settings after it.
local function settings_of(record)
  return { settings = { unpack(record) } }
end

local function open_customer(bucket, i, input, customer)
  if customer.record then
    return refuse(bucket, i, REASON.CUSTOMER_EXISTS)
  end
  local record = { 1, input[INPUT.PLAN], input[INPUT.UNIT], input[INPUT.TIME_ZONE], input[INPUT.COUNTRY], 0,
    input[INPUT.TS], input[INPUT.CYCLE], '', 0, 0, 0, {} }
  customer.record = record
  bucket.customers_dirty[customer.name] = record
  local wallet = { input[INPUT.UNIT], 0, 0, 0, 0, 0, false, {}, {}, 0, false, {} }
  bucket.wallets[customer.name .. '\0main'] = wallet
  local change = begin(bucket, customer.name, 'main', input[INPUT.TS])
  change.touched = true
  give_rules(change, input[INPUT.RULES])
  open_cycle(bucket, change.states, customer, input[INPUT.CYCLE], input[INPUT.GRANT], input[INPUT.GRANT_KIND],
    input[INPUT.GRANT_NOTICE], input[INPUT.TS])
  return finish(bucket, i, change, KIND.OPENED, 0, DECIDED.NONE, false, settings_of(record))
end

-- The refusal that commands about money share; the change to work on where there is none.
local function begin_money(bucket, i, input, customer)
  local change = begin(bucket, customer.name, bucket.wallet_names[input[INPUT.WALLET]], input[INPUT.TS])
  local amount = input[INPUT.AMOUNT]
  local reason = nil
  if not change then
    reason = REASON.UNKNOWN_WALLET
  elseif change.wallet[WALLET.UNIT] ~= input[INPUT.UNIT] then
    reason = REASON.WRONG_UNIT
  elseif is_closed(change.wallet) then
    reason = REASON.WALLET_CLOSED
  elseif amount == 0 or out_of_range(change, amount) then
    reason = REASON.AMOUNT_OUT_OF_RANGE
  end
  return change, reason
end

local function top_up(bucket, i, input, customer)
  local change, reason = begin_money(bucket, i, input, customer)
  local kind, expires = input[INPUT.LOT_KIND], input[INPUT.EXPIRES]
  if not reason and not has_room(change.wallet, kind, expires, input[INPUT.TRANSFERABLE]) then
    reason = REASON.TOO_MANY
  end
  if reason then
    return refuse(bucket, i, reason)
  end
  credit(bucket, change, input[INPUT.AMOUNT], kind, expires, input[INPUT.TRANSFERABLE],
    notice_of(expires, input[INPUT.NOTICE], input[INPUT.TS]))
  relevel_rules(change, input[INPUT.AMOUNT])
  return finish(bucket, i, change, KIND.TOPPED_UP, 0, DECIDED.NONE, false)
end

local function adjust(bucket, i, input, customer)
  local change, reason = begin_money(bucket, i, input, customer)
  local amount = input[INPUT.AMOUNT]
  if not reason and amount > 0 and not has_room(change.wallet, 'fro', 0, 1) then
    reason = REASON.TOO_MANY
  end
  if reason then
    return refuse(bucket, i, reason)
  end
  if amount > 0 then
    credit(bucket, change, amount, 'fro', 0, 1, 0)
  else
    debit(change.wallet, -amount, change.lots)
  end
  return finish(bucket, i, change, KIND.ADJUSTED, 0, DECIDED.NONE, false)
end

local function suspend_or_resume(bucket, i, input, customer)
  local suspending = input[INPUT.OP] == OP.SUSPEND
  local noted = {}
  if not change_customer_cause(bucket, noted, customer, CAUSE.SUSPENDED, suspending, input[INPUT.TS]) then
    return refuse(bucket, i, suspending and REASON.ALREADY or REASON.NOT_SUSPENDED)
  end
  local extras = settings_of(customer.record)
  extras.blocks = noted
  return emit_plain(bucket, i, suspending and KIND.SUSPENDED or KIND.RESUMED, 0, DECIDED.NONE, extras)
end

local function block_sender(bucket, i, input, customer)
  local key = bucket.sender_keys[input[INPUT.SENDER]]
  local noted = {}
  if not block_sender_for(bucket, noted, key, sender_name(customer, key), CAUSE.MANUAL, input[INPUT.TS]) then
    return refuse(bucket, i, REASON.ALREADY)
  end
  return emit_plain(bucket, i, KIND.BLOCKED, 0, DECIDED.NONE, { blocks = noted })
end

-- Lift whatever blocks the sender; a cause that still holds blocks it again with its next attempt.
local function unblock_sender(bucket, i, input, customer)
  local key = bucket.sender_keys[input[INPUT.SENDER]]
  local name, sender = sender_name(customer, key), sender_of(bucket, key)
  if not sender then
    return refuse(bucket, i, REASON.NOT_BLOCKED)
  end
  if has_cause(sender[BLOCK.CAUSES], CAUSE.INSUFFICIENT_CREDIT) then
    leave_line(bucket, customer.name .. '\0' .. sender[BLOCK.WALLET], name)
  end
  bucket.senders[key], bucket.senders_dirty[key] = false, true
  local noted = {}
  note_block(noted, LEVEL.SENDER, name, { 0, '', 0, 0, 0, 0 }, 1, REASON.MANUAL)
  return emit_plain(bucket, i, KIND.UNBLOCKED, 0, DECIDED.NONE, { blocks = noted })
end

handlers[OP.OPEN_CUSTOMER] = open_customer
handlers[OP.TOP_UP] = top_up
handlers[OP.SUSPEND] = suspend_or_resume
handlers[OP.RESUME] = suspend_or_resume
handlers[OP.BLOCK_SENDER] = block_sender
handlers[OP.UNBLOCK_SENDER] = unblock_sender
handlers[OP.ADJUST] = adjust
