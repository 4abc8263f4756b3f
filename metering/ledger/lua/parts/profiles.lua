-- include: change
-- Who a wallet belongs to and whether it may be used: its profile. `main` has none until a command gives it one.

local function is_frozen(wallet)
  return wallet[WALLET.PROFILE] and wallet[WALLET.PROFILE][PROFILE.STATE] == WALLET_STATE.FROZEN
end

local function is_closed(wallet)
  return wallet[WALLET.PROFILE] and wallet[WALLET.PROFILE][PROFILE.STATE] == WALLET_STATE.CLOSED
end

-- Why a charge cannot use a wallet; nil where it can.
local function profile_objection(wallet)
  return (is_frozen(wallet) and REASON.WALLET_FROZEN) or (is_closed(wallet) and REASON.WALLET_CLOSED) or nil
end

-- The wallet's profile, made where it has none.
local function profile_of(wallet)
  wallet[WALLET.PROFILE] = wallet[WALLET.PROFILE]
    or { WALLET_STATE.ACTIVE, WALLET_KIND.COMPANY_POOL, false, false, false, false }
  return wallet[WALLET.PROFILE]
end

-- Finish an entry that tells the wallet's profile as it is after it.
local function finish_with_profile(bucket, i, change, kind, reason)
  change.touched = true
  return finish(bucket, i, change, kind, reason, DECIDED.NONE, false,
    { profile = { unpack(profile_of(change.wallet), 1, PROFILE.KEYWORD) } })
end
