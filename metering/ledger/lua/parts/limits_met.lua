-- include: limit_sorts
-- include: states
-- include: inputs
-- The limits that the events of a call meet: named before it begins, so that their records are read in one go.

local NOBODY = {}

-- The limits of an event by its customer's mask, wallet and `acting` {user, campaign, sender}, by level, then window:
-- {mask, id, key, id, key, ...}.
local function limits_met(bucket, mask, customer, wallet, acting)
  local names = { customer, wallet, acting[1], acting[3], acting[2] }
  local met, ids = { mask }, limits.ids_of(bucket, mask, names)
  for n = 1, #ids do
    met[2 * n], met[2 * n + 1] = ids[n], state_key(customer, KEPT.LIMIT, ids[n])
  end
  return met
end

-- The keys of records to read: those that the call announces, and the limits of its events, by input in `bucket.met`.
local function state_keys(bucket, announced)
  local customers = bucket.customers_listed
  if not customers.has_limits then
    return announced
  end
  local keys, known, seen, masks = { unpack(announced) }, {}, {}, customers.masks
  for n = 1, #announced do
    known[announced[n]] = true
  end
  local at, shape, customer, wallet = 0, nil, nil, nil
  for i = 1, bucket.count do
    at, shape, customer, wallet = row_of(bucket.rows, at)
    local mask = shape % SHAPE.CHARGE_ON < OP.OPEN_CUSTOMER and masks[customer]
    if mask and mask > 0 then
      -- Events of the same people have the same place; what has more beside its row has one of its own.
      local place = floor(shape / SHAPE.MORE)
      local by_place = seen[wallet] or {}
      local met = by_place[place]
      if not met then
        local extra = bucket.more[place]
        met = limits_met(bucket, mask, customers.names[customer], bucket.wallet_names[wallet],
          extra and extra[INPUT.ACTING - INPUT.FLAGS] or NOBODY)
        seen[wallet], by_place[place] = by_place, met
        for n = 3, #met, 2 do
          if not known[met[n]] then
            known[met[n]], keys[#keys + 1] = true, met[n]
          end
        end
      end
      bucket.met[i] = met
    end
  end
  return keys
end
