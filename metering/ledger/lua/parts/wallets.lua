-- include: handlers
-- include: profiles
-- include: commands
-- Wallets: open, name, freeze, thaw.

-- Text of a profile: false leaves it as it is, empty clears it.
local function set_texts(profile, input)
  for place, at in pairs({ [PROFILE.USER] = INPUT.USER, [PROFILE.NAME] = INPUT.NAME,
    [PROFILE.REFERENCE] = INPUT.REFERENCE, [PROFILE.KEYWORD] = INPUT.KEYWORD }) do
    local text = input[at]
    if text then
      profile[place] = text ~= '' and text
    end
  end
end

-- Open a wallet with the alert rules of the plan, or change what is said of one.
local function put_wallet(bucket, i, input, customer)
  local name, kind = bucket.wallet_names[input[INPUT.WALLET]], input[INPUT.WALLET_KIND]
  local key = customer.name .. '\0' .. name
  local known = wallet_of(bucket, key)
  if known and is_closed(known) then
    return refuse(bucket, i, REASON.WALLET_CLOSED)
  elseif kind and name == 'main' then
    return refuse(bucket, i, REASON.MAIN_WALLET)
  end
  if not known then
    bucket.names_new[key] = name ~= 'main' or nil
    bucket.wallets[key] = { customer.record[CUSTOMER.UNIT], 0, 0, 0, 0, 0, false, {}, {}, 0,
      { WALLET_STATE.ACTIVE, kind or (input[INPUT.USER] and WALLET_KIND.USER or WALLET_KIND.SUB_ACCOUNT),
        false, false, false, false }, {} }
  end
  local change = begin(bucket, customer.name, name, input[INPUT.TS])
  if not known then
    give_rules(change, input[INPUT.RULES])
  end
  local profile = profile_of(change.wallet)
  if known and kind then
    profile[PROFILE.KIND] = kind
  end
  set_texts(profile, input)
  return finish_with_profile(bucket, i, change, known and KIND.SETTINGS_CHANGED or KIND.OPENED, 0)
end

-- Freeze: what is in it stays, and can be moved out, but not spent. Thaw: the end of that.
local function freeze_or_thaw(bucket, i, input, customer)
  local freezing = input[INPUT.OP] == OP.FREEZE_WALLET
  local change = begin(bucket, customer.name, bucket.wallet_names[input[INPUT.WALLET]], input[INPUT.TS])
  if not change then
    return refuse(bucket, i, REASON.UNKNOWN_WALLET)
  elseif is_closed(change.wallet) then
    return refuse(bucket, i, REASON.WALLET_CLOSED)
  elseif (is_frozen(change.wallet) or false) == freezing then
    return refuse(bucket, i, freezing and REASON.ALREADY or REASON.NOT_FROZEN)
  end
  profile_of(change.wallet)[PROFILE.STATE] = freezing and WALLET_STATE.FROZEN or WALLET_STATE.ACTIVE
  if freezing then
    block_wallet(bucket, change, CAUSE.WALLET_FROZEN)
  else
    unblock_wallet(change, CAUSE.WALLET_FROZEN)
  end
  return finish_with_profile(bucket, i, change, freezing and KIND.FROZEN or KIND.THAWED, 0)
end

handlers[OP.PUT_WALLET] = put_wallet
handlers[OP.FREEZE_WALLET] = freeze_or_thaw
handlers[OP.THAW_WALLET] = freeze_or_thaw
