-- A wallet's record by its key (customer, U+0000, wallet), from the call's cache or Redis; false if there is none.
local function wallet_of(bucket, key)
  local wallet = bucket.wallets[key]
  if wallet == nil then
    local packed = redis.call('HGET', bucket.keys.wallets, key)
    wallet = packed and cmsgpack.unpack(packed) or false
    bucket.wallets[key] = wallet
  end
  return wallet
end
