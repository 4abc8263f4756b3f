-- include: structs
-- The inputs of a call: rows of figures (inputs.py), and in `more` what does not fit into one.

local INPUT_ROW, INPUT_BYTES = '<BBBxHHHHHllll', 46

-- The figures of input `i`: op, flags, charge_on, customer, wallet, charge, sender, more, ts, price, deadline, fee.
local function row_of(rows, i)
  return unpack_struct(INPUT_ROW, rows, (i - 1) * INPUT_BYTES + 1)
end

local function count_of(rows)
  return #rows / INPUT_BYTES
end

-- An input as a list by INPUT, for whatever is not decided by its figures alone.
local function input_of(bucket, i)
  local op, flags, charge_on, customer, wallet, charge, sender, more, now, price, deadline, fee = row_of(bucket.rows, i)
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
