-- include: handlers
-- include: parcels
-- include: commands
-- Credit between wallets of one customer. One entry: its own wallet is the source, its leg the target.

-- Both ends of a movement; the reason where there is none.
local function begin_both(bucket, input, customer)
  local from = begin(bucket, customer.name, bucket.wallet_names[input[INPUT.WALLET]], input[INPUT.TS])
  local to = begin(bucket, customer.name, input[INPUT.TO_WALLET], input[INPUT.TS])
  if not from or not to then
    return nil, nil, REASON.UNKNOWN_WALLET
  end
  return from, to, from.name == to.name and REASON.SAME_WALLET or nil
end

local function transfer(bucket, i, input, customer)
  local amount = input[INPUT.AMOUNT]
  local from, to, reason = begin_both(bucket, input, customer)
  if not reason then
    if from.wallet[WALLET.UNIT] ~= input[INPUT.UNIT] or to.wallet[WALLET.UNIT] ~= input[INPUT.UNIT] then
      reason = REASON.WRONG_UNIT
    elseif is_closed(from.wallet) then
      reason = REASON.WALLET_CLOSED
    elseif amount <= 0 then
      reason = REASON.AMOUNT_OUT_OF_RANGE
    elseif amount > movable_of(from) then
      reason = REASON.INSUFFICIENT_CREDIT
    end
  end
  if reason then
    return refuse(bucket, i, reason)
  end
  local parcels, taken = choose_parcels(from.wallet, amount, false)
  reason = arrival_objection(to, parcels, amount)
  if reason then
    return refuse(bucket, i, reason)
  end
  move_parcels(bucket, from, to, parcels, taken)
  from.others = { to }
  return finish(bucket, i, from, KIND.TRANSFERRED, 0, DECIDED.NONE, false)
end

handlers[OP.TRANSFER] = transfer
