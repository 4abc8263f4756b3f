-- include: folding
-- include: place_among
-- Wallets of the call, in either form; see folding.lua.

-- The whole wallet by its key (customer, U+0000, wallet), from the call or Redis; false if there is none.
local function wallet_of(bucket, key)
  local wallet = bucket.wallets[key]
  if wallet == nil then
    local at = place_among(bucket, 'wallet_keys', key)
    local plain = at and bucket.plain[at]
    if plain then
      wallet, bucket.plain[at] = unfold(plain), nil
      bucket.wallets_dirty[key] = plain[PLAIN.CHANGED] or nil
    else
      local packed = at and bucket.wallets_packed[at]
      if not at then
        packed = redis.call('HGET', bucket.keys[KEY.WALLETS], key)
      end
      wallet = packed and unpack_wallet(packed) or false
    end
    bucket.wallets[key] = wallet
  end
  return wallet
end

-- The figures of a wallet by its place among the call's; false where it has to be taken whole.
local function plain_wallet(bucket, at)
  local plain = bucket.plain[at]
  if plain then
    return plain
  end
  local key = bucket.wallet_keys[at]
  local wallet, packed = bucket.wallets[key], bucket.wallets_packed[at]
  if wallet == nil and packed and string.byte(packed) == 1 then
    plain = unpack_folded(packed)
  else
    wallet = wallet_of(bucket, key)
    plain = wallet and fold(wallet)
    if plain then
      plain[PLAIN.CHANGED] = bucket.wallets_dirty[key] or false
      bucket.wallets[key], bucket.wallets_dirty[key] = nil, nil
    end
  end
  bucket.plain[at] = plain or nil
  return plain
end
