-- include: structs
-- include: bytes_before
-- include: read_many
-- Customers by name, and the wallets of one. A record in Redis has in front what the plain path asks of it.

local CUSTOMER_HEAD, RECORD_AT = '<I4I2I4', 11

local function pack_customer(record)
  return pack_struct(CUSTOMER_HEAD, record[CUSTOMER.VERSION], record[CUSTOMER.CAUSES], record[CUSTOMER.LIMITS])
    .. cmsgpack.pack(record)
end

local function unpack_customer(packed)
  return packed and cmsgpack.unpack(string.sub(packed, RECORD_AT)) or nil
end

-- Read the customers of the call. Returns the place of the first whose settings are not those that it was priced with, if
-- any. `masks` has the sorts of limits of those that nothing but credit and these denies, false of others.
local function read_customers(bucket)
  local customers = bucket.customers_listed
  local policies = customers.policies
  customers.packed = read_fields(bucket.keys[KEY.CUSTOMERS], customers.names)
  for n = 1, #customers.names do
    local packed, version, causes, limits = customers.packed[n], 0, 0, 0
    if packed then
      version, causes, limits = unpack_struct(CUSTOMER_HEAD, packed)
    end
    if version ~= policies[3 * n - 2] then
      return n
    end
    customers.masks[n] = packed and causes == 0 and limits or false
    customers.has_limits = customers.has_limits or limits > 0
  end
  return nil
end

-- The customer at a place among the call's: {name, record, policy}. From now on its record is what counts.
local function customer_at(bucket, n)
  local listed = bucket.customers_listed
  local customer = listed.met[n]
  if not customer then
    customer = { name = listed.names[n], record = unpack_customer(listed.packed[n]),
      policy = { overdraft = listed.policies[3 * n - 1], switches = listed.policies[3 * n] } }
    listed.met[n], bucket.customers[customer.name], bucket.masks[n] = customer, customer, nil
  end
  return customer
end

-- Which sorts of limits a customer may meet, where nothing but these and credit denies it anything; false otherwise.
local function mask_of(bucket, n)
  local mask = bucket.masks[n]
  if mask ~= nil then
    return mask
  end
  local record = bucket.customers_listed.met[n].record
  return record and record[CUSTOMER.CAUSES] == 0 and record[CUSTOMER.LIMITS]
end

local function customer_named(bucket, name)
  local customer, names = bucket.customers[name], bucket.customers_listed.names
  for n = 1, customer and 0 or #names do
    if names[n] == name then
      return customer_at(bucket, n)
    end
  end
  if not customer then
    customer = { name = name, record = unpack_customer(redis.call('HGET', bucket.keys[KEY.CUSTOMERS], name)) }
    bucket.customers[name] = customer
  end
  return customer
end

-- Up to `most` names of a customer's wallets after the name `after`, byte by byte; `main` is not among them. The index
-- has a wallet when the call that opened it has ended.
local function wallets_after(bucket, customer, after, most)
  local prefix, names = customer .. '\0', {}
  local found = redis.call('ZRANGEBYLEX', bucket.keys[KEY.NAMES], '(' .. prefix .. after, '(' .. customer .. '\1',
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
