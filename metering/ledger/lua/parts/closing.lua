-- include: handlers
-- include: transfers
-- The end of a wallet: what is in it, or what it owes, goes to another; its rules and blocks go.

-- Why a wallet cannot be closed now; nil where it can.
local function closing_objection(change, input)
  local wallet = change.wallet
  if change.name == 'main' then
    return REASON.MAIN_WALLET
  elseif is_closed(wallet) and change.balance == 0 then
    return REASON.ALREADY
  elseif wallet[WALLET.HELD] > 0 then
    return REASON.HOLDS_OPEN
  elseif wallet[WALLET.OVERDRAWN] > 0 and input[INPUT.MOVES_SHORTFALL] == 0 then
    return REASON.WALLET_OVERDRAWN
  end
  return nil
end

-- Move the whole balance of a wallet that holds nothing, plus or minus.
local function move_balance(bucket, from, to, parcels, taken)
  move_parcels(bucket, from, to, parcels, taken)
  local owed = from.wallet[WALLET.OVERDRAWN]
  if owed > 0 then
    from.wallet[WALLET.OVERDRAWN] = 0
    debit(to.wallet, owed, to.lots)
  end
  from.others = { to }
end

local function end_wallet(bucket, change)
  for _, cause in ipairs({ CAUSE.WALLET_FROZEN, CAUSE.INSUFFICIENT_CREDIT, CAUSE.BELOW_LEVEL }) do
    unblock_wallet(change, cause)
  end
  lift_blocks(bucket, change, math.huge)
  change.wallet[WALLET.RULES] = {}
  profile_of(change.wallet)[PROFILE.STATE] = WALLET_STATE.CLOSED
end

-- Close a wallet, or merge it into another. A closed one into which a late outcome or a correction brought something can
-- be closed again.
local function close_wallet(bucket, i, input, customer)
  local from, to, reason = begin_both(bucket, input, customer)
  reason = reason or closing_objection(from, input)
  if reason then
    return refuse(bucket, i, reason)
  end
  if from.balance ~= 0 then
    local parcels, taken = choose_parcels(from.wallet, from.wallet[WALLET.CREDIT], true)
    reason = arrival_objection(to, parcels, from.balance)
    if reason then
      return refuse(bucket, i, reason)
    end
    move_balance(bucket, from, to, parcels, taken)
  end
  end_wallet(bucket, from)
  return finish_with_profile(bucket, i, from, input[INPUT.OP] == OP.MERGE_WALLETS and KIND.MERGED or KIND.CLOSED, 0)
end

handlers[OP.CLOSE_WALLET] = close_wallet
handlers[OP.MERGE_WALLETS] = close_wallet
