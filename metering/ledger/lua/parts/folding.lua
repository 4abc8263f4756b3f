-- include: structs
-- Wallets as plain figures: what a charge on a wallet in good order needs, in one flat table by PLAIN. A wallet is kept
-- by a call in one of two forms, never both: as such figures in `bucket.plain`, by its place among the call's wallets,
-- or whole by WALLET in `bucket.wallets`. `fold` makes the one of the other, `unfold` the other of the one.
-- In Redis a foldable wallet has its figures in front of its record, where they stand in place of the record's own:
-- reading it costs one struct.unpack instead of six tables, and a change rewrites the figures alone.

-- What changes with a charge comes first, so that a change rewrites that alone.
local WALLET_HEAD, WALLET_CHANGE, BEHIND_CHANGE = '<BllllllllBBBc0', '<Blllll', 42
local WAITING_AT, LIST_OF_ONE = 67, string.char(145)
local NEVER = 2 ^ 53
local WHOLE, FOLDED = 0, 1

-- Above which level nothing happens when the available credit falls, and below which nothing when it rises.
local function quiet_range(rules)
  local floor, ceiling = 0, NEVER
  for n = 1, #rules do
    local rule = rules[n]
    local is_armed = rule[RULE.ENABLED] == 1 and rule[RULE.STATE] == RULE_STATE.ARMED
    if (is_armed or rule[RULE.LOCKS] == 1) and rule[RULE.LEVEL] > floor then
      floor = rule[RULE.LEVEL]
    end
    if rule[RULE.ENABLED] == 1 and not is_armed and rule[RULE.REARM] < ceiling then
      ceiling = rule[RULE.REARM]
    end
  end
  return floor, ceiling
end

-- The first lot with free credit, and when the soonest of all lapses.
local function first_free(lots)
  local place, soonest = nil, NEVER
  for n = 1, #lots do
    local lot = lots[n]
    if not place and lot[LOT.REMAINING] > lot[LOT.HELD] then
      place = n
    end
    if lot[LOT.EXPIRES] > 0 and lot[LOT.EXPIRES] < soonest then
      soonest = lot[LOT.EXPIRES]
    end
  end
  return place, soonest
end

-- The figures of a whole wallet; false where there is more to it: a block, a shortfall, a state, no free credit.
local function fold(wallet)
  local profile = wallet[WALLET.PROFILE]
  if wallet[WALLET.OVERDRAWN] ~= 0 or wallet[WALLET.HELD_OVER] ~= 0 or wallet[WALLET.BLOCK]
    or (profile and profile[PROFILE.STATE] ~= WALLET_STATE.ACTIVE) then
    return false
  end
  local place, soonest = first_free(wallet[WALLET.LOTS])
  if not place then
    return false
  end
  local lot = wallet[WALLET.LOTS][place]
  local floor, ceiling = quiet_range(wallet[WALLET.RULES])
  return { wallet[WALLET.SEQ], wallet[WALLET.CREDIT], wallet[WALLET.HELD], floor, ceiling, soonest,
    lot[LOT.REMAINING], lot[LOT.HELD], place, #wallet[WALLET.BLOCKED] > 0 and 1 or 0, lot[LOT.ID], false, 0, wallet,
    false, 0, 0 }
end

local function unpack_folded(packed)
  local seq, credit, held, remaining, lot_held, floor, ceiling, soonest, place, waiting, lot, rest =
    unpack_struct('<xllllllllBBBc0', packed)
  return { seq, credit, held, floor, ceiling, soonest, remaining, lot_held, place, waiting, lot, packed, rest, false,
    false, 0, 0 }
end

-- The whole wallet of its figures.
local function unfold(plain)
  local wallet = plain[PLAIN.WHOLE] or cmsgpack.unpack(string.sub(plain[PLAIN.PACKED], plain[PLAIN.REST]))
  wallet[WALLET.SEQ], wallet[WALLET.CREDIT], wallet[WALLET.HELD] = plain[PLAIN.SEQ], plain[PLAIN.CREDIT],
    plain[PLAIN.HELD]
  local lot = wallet[WALLET.LOTS][plain[PLAIN.PLACE]]
  lot[LOT.REMAINING], lot[LOT.HELD] = plain[PLAIN.REMAINING], plain[PLAIN.LOT_HELD]
  return wallet
end

local function unpack_wallet(packed)
  local form = string.byte(packed)
  if form == FOLDED then
    return unfold(unpack_folded(packed))
  elseif form == WHOLE then
    return cmsgpack.unpack(string.sub(packed, 2))
  end
  error('a wallet of no known form')
end

local function pack_head(plain)
  local lot = plain[PLAIN.LOT]
  return pack_struct(WALLET_HEAD, FOLDED, plain[PLAIN.SEQ], plain[PLAIN.CREDIT], plain[PLAIN.HELD],
    plain[PLAIN.REMAINING], plain[PLAIN.LOT_HELD], plain[PLAIN.FLOOR], plain[PLAIN.CEILING], plain[PLAIN.SOONEST],
    plain[PLAIN.PLACE], plain[PLAIN.WAITING], #lot, lot)
end

-- A whole wallet as it is stored. The same wallet gives the same bytes, whichever way its figures came about: the
-- record behind the figures has zeros for what they say.
local function pack_wallet(wallet)
  local plain = fold(wallet)
  if not plain then
    return pack_struct('B', WHOLE) .. cmsgpack.pack(wallet)
  end
  local lot = wallet[WALLET.LOTS][plain[PLAIN.PLACE]]
  wallet[WALLET.SEQ], wallet[WALLET.CREDIT], wallet[WALLET.HELD], lot[LOT.REMAINING], lot[LOT.HELD] = 0, 0, 0, 0, 0
  local rest = cmsgpack.pack(wallet)
  unfold(plain)
  return pack_head(plain) .. rest
end

-- Note the first sender that waits for credit in a wallet of figures read from a record: in the byte that says so, and in
-- the list that ends the record, which is empty then.
local function note_first_waiting(plain, sender)
  local packed = plain[PLAIN.PACKED]
  plain[PLAIN.PACKED] = string.sub(packed, 1, WAITING_AT - 1) .. '\1' .. string.sub(packed, WAITING_AT + 1, -2)
    .. LIST_OF_ONE .. cmsgpack.pack(sender)
  plain[PLAIN.WAITING], plain[PLAIN.CHANGED] = 1, true
end

-- Figures as they are stored.
local function pack_plain(plain)
  if plain[PLAIN.WHOLE] then
    return pack_wallet(unfold(plain))
  end
  return pack_struct(WALLET_CHANGE, FOLDED, plain[PLAIN.SEQ], plain[PLAIN.CREDIT], plain[PLAIN.HELD],
    plain[PLAIN.REMAINING], plain[PLAIN.LOT_HELD]) .. string.sub(plain[PLAIN.PACKED], BEHIND_CHANGE)
end
