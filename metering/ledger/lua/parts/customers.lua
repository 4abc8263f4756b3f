-- include: bytes_before
-- Customers by name, and all wallets of one.

local function customer_named(bucket, name)
  local customer = bucket.customers[name]
  if not customer then
    local packed = redis.call('HGET', bucket.keys.customers, name)
    customer = { name = name, record = packed and cmsgpack.unpack(packed) or nil }
    bucket.customers[name] = customer
  end
  return customer
end

-- The names of a customer's wallets, `main` first, then byte by byte. Walks through all wallets of the bucket, some 20 ms
-- for 100,000 of them: only for what happens once in a while.
local function wallets_of(bucket, customer)
  local prefix, known, names = customer .. '\0', {}, {}
  for key, wallet in pairs(bucket.wallets) do
    known[key] = wallet and true or nil
  end
  local pattern, cursor = string.gsub(prefix, '[%*%?%[%]\\%^%-]', '\\%0') .. '*', '0'
  repeat
    local page = redis.call('HSCAN', bucket.keys.wallets, cursor, 'MATCH', pattern, 'COUNT', 1000)
    cursor = page[1]
    for n = 1, #page[2], 2 do
      known[page[2][n]] = true
    end
  until cursor == '0'
  for key in pairs(known) do
    local name = string.sub(key, #prefix + 1)
    if string.sub(key, 1, #prefix) == prefix and name ~= 'main' then
      names[#names + 1] = name
    end
  end
  table.sort(names, bytes_before)
  table.insert(names, 1, 'main')
  return names
end
