-- include: structs
-- Charges as they are stored. A plain one (one hold in one lot, or settled; no recipients, call or takes) is a row of
-- figures and three names, which the plain path reads and writes without a table; any other is a list by CHARGE.
-- The same charge gives the same bytes, whichever path kept it.

local CHARGE_ROW = '<BBBlllllHc0Hc0Hc0'
local CHARGE_BEHIND_FORM = '<xBBlllllHc0Hc0Hc0'
local PLAIN_FORM = 1

-- `price` is held in `lot` where the charge is held; the lot of any other is empty.
local function pack_charge_row(state, charge_on, price, committed, fee, deadline, touched, wallet, lot, sender)
  return pack_struct(CHARGE_ROW, PLAIN_FORM, state, charge_on, price, committed, fee, deadline, touched, #wallet, wallet, #lot,
    lot, #sender, sender)
end

local function is_charge_row(packed)
  return string.byte(packed) == PLAIN_FORM
end

-- State, charge_on, price, committed, fee, deadline, touched, wallet, lot, sender.
local function unpack_charge_row(packed)
  return unpack_struct(CHARGE_BEHIND_FORM, packed)
end

local function pack_charge(charge)
  local parts, state = charge[CHARGE.PARTS], charge[CHARGE.STATE]
  local part = parts[1]
  local is_plain = not (charge[CHARGE.RECIPIENTS] or charge[CHARGE.CALL] or charge[CHARGE.TAKES])
  if state == STATE.HELD then
    is_plain = is_plain and #parts == 1 and part[1] ~= '' and part[2] == charge[CHARGE.PRICE]
      and charge[CHARGE.HELD] == charge[CHARGE.PRICE]
  else
    is_plain = is_plain and not part and charge[CHARGE.HELD] == 0
  end
  if not is_plain then
    return cmsgpack.pack(charge)
  end
  return pack_charge_row(state, charge[CHARGE.CHARGE_ON], charge[CHARGE.PRICE], charge[CHARGE.COMMITTED],
    charge[CHARGE.FEE], charge[CHARGE.DEADLINE], charge[CHARGE.TOUCHED], charge[CHARGE.WALLET], part and part[1] or '',
    charge[CHARGE.SENDER] or '')
end

local function unpack_charge(packed)
  if not is_charge_row(packed) then
    return cmsgpack.unpack(packed)
  end
  local state, charge_on, price, committed, fee, deadline, touched, wallet, lot, sender = unpack_charge_row(packed)
  local is_held = state == STATE.HELD
  return { state, wallet, price, is_held and price or 0, committed, charge_on, fee, deadline,
    is_held and { { lot, price } } or {}, sender ~= '' and sender, false, touched, false }
end
