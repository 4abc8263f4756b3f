-- include: structs
-- Charges as they are stored. A plain one (one hold in one lot, or settled; no recipients, call or takes) is a row of
-- figures and three names, which the plain path reads and writes without a table; any other is a list by CHARGE.
-- The same charge gives the same bytes, whichever path kept it.

-- What packs costs by the number of what is packed: form, state and charge_on go in as one. What an outcome needs to find
-- out whether a charge is settled comes first.
local CHARGE_ROW = '<I3lslllss'
local CHARGE_HEAD, CHARGE_REST = '<xBBls', '<lllss'
local PLAIN_FORM = 1
local first_byte = string.byte

-- `price` is held in `lot` where the charge is held, and was taken where it is committed; the lot of any but a held one is
-- empty.
local function pack_charge_row(state, charge_on, touched, wallet, price, fee, deadline, lot, sender)
  return pack_struct(CHARGE_ROW, PLAIN_FORM + 256 * state + 65536 * charge_on, touched, wallet, price, fee, deadline, lot,
    sender)
end

local function is_charge_row(packed)
  return first_byte(packed) == PLAIN_FORM
end

-- State, charge_on, touched, wallet, and where the rest begins: price, fee, deadline, lot, sender.
local function unpack_charge_head(packed)
  return unpack_struct(CHARGE_HEAD, packed)
end

local function unpack_charge_rest(packed, at)
  return unpack_struct(CHARGE_REST, packed, at)
end

local function pack_charge(charge)
  local parts, state, price = charge[CHARGE.PARTS], charge[CHARGE.STATE], charge[CHARGE.PRICE]
  local part = parts[1]
  local is_plain = not (charge[CHARGE.RECIPIENTS] or charge[CHARGE.CALL] or charge[CHARGE.TAKES])
    and charge[CHARGE.COMMITTED] == (state == STATE.COMMITTED and price or 0)
  if state == STATE.HELD then
    is_plain = is_plain and #parts == 1 and part[1] ~= '' and part[2] == price and charge[CHARGE.HELD] == price
  else
    is_plain = is_plain and not part and charge[CHARGE.HELD] == 0
  end
  if not is_plain then
    return cmsgpack.pack(charge)
  end
  return pack_charge_row(state, charge[CHARGE.CHARGE_ON], charge[CHARGE.TOUCHED], charge[CHARGE.WALLET], price,
    charge[CHARGE.FEE], charge[CHARGE.DEADLINE], part and part[1] or '', charge[CHARGE.SENDER] or '')
end

local function unpack_charge(packed)
  if not is_charge_row(packed) then
    return cmsgpack.unpack(packed)
  end
  local state, charge_on, touched, wallet, rest = unpack_charge_head(packed)
  local price, fee, deadline, lot, sender = unpack_charge_rest(packed, rest)
  local is_held = state == STATE.HELD
  return { state, wallet, price, is_held and price or 0, state == STATE.COMMITTED and price or 0, charge_on, fee, deadline,
    is_held and { { lot, price } } or {}, sender ~= '' and sender, false, touched, false }
end
