-- include: bytes_before
-- Customers by name, and the wallets of one.

local function customer_named(bucket, name)
  local customer = bucket.customers[name]
  if not customer then
    local packed = redis.call('HGET', bucket.keys.customers, name)
    customer = { name = name, record = packed and cmsgpack.unpack(packed) or nil }
    bucket.customers[name] = customer
  end
  return customer
end

-- Up to `most` names of a customer's wallets after the name `after`, byte by byte; `main` is not among them. The index
-- has a wallet when the call that opened it has ended.
local function wallets_after(bucket, customer, after, most)
  local prefix, names = customer .. '\0', {}
  local found = redis.call('ZRANGEBYLEX', bucket.keys.names, '(' .. prefix .. after, '(' .. customer .. '\1',
    'LIMIT', 0, most)
  for n = 1, #found do
    names[n] = string.sub(found[n], #prefix + 1)
  end
  for key in pairs(bucket.names_new) do
    local name = string.sub(key, #prefix + 1)
    if string.sub(key, 1, #prefix) == prefix and bytes_before(after, name) then
      names[#names + 1] = name
    end
  end
  table.sort(names, bytes_before)
  return names
end
