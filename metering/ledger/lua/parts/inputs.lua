-- include: structs
-- The inputs of a call: rows of figures (rows.py), and in `more` what does not fit into one.
-- A row is a MessagePack array of nine whole numbers, one after another: they unpack in two thirds of the time that a
-- struct of fixed width takes. `at` is where a row begins, from 0.

local ROW_VALUES = 9

-- A row's figures: where the next row begins (-1 behind the last); shape, places of customer, wallet, charge and sender
-- (0 = none), clock, price, deadline, fee.
local function row_of(rows, at)
  return unpack_values(rows, ROW_VALUES, at + 1)
end

-- What a shape says: op, charge_on, flags, and the place of what else there is (0 = nothing).
local function parts_of_shape(shape)
  return shape % SHAPE.CHARGE_ON, floor(shape / SHAPE.CHARGE_ON) % 4, floor(shape / SHAPE.FLAGS) % 64,
    floor(shape / SHAPE.MORE)
end

-- Input `i`, whose row begins at `at`, as a list by INPUT, for whatever is not decided by its figures alone.
local function input_of(bucket, i, at)
  local _, shape, customer, wallet, charge, sender, now, price, deadline, fee = row_of(bucket.rows, at)
  local op, charge_on, flags, more = parts_of_shape(shape)
  local extra = bucket.more[more]
  if op == OP.TICK or op >= OP.OPEN_CUSTOMER then
    return extra or { op, now }
  end
  local input = { op, now, customer, wallet, charge, sender, bucket.digests[i], price, charge_on, deadline, fee, flags,
    false, false }
  for n = 1, extra and #extra or 0 do
    input[INPUT.FLAGS + n] = extra[n]
  end
  return input
end
