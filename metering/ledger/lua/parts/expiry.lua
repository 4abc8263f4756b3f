-- include: change
-- include: timer_names
-- When lots lapse, and when that is told beforehand.

-- When to tell that a lot is about to lapse; 0 = never. One that comes later than that is told of at once.
local function notice_of(expires, lead, now)
  if lead == 0 or expires <= now then
    return 0
  end
  return math.max(expires - lead, now)
end

local function is_used_before(lot, other)
  local rank, other_rank = lot[LOT.KIND] == 'nro' and 0 or 1, other[LOT.KIND] == 'nro' and 0 or 1
  local expiry = lot[LOT.EXPIRES] == 0 and math.huge or lot[LOT.EXPIRES]
  local other_expiry = other[LOT.EXPIRES] == 0 and math.huge or other[LOT.EXPIRES]
  if rank ~= other_rank then
    return rank < other_rank
  elseif expiry ~= other_expiry then
    return expiry < other_expiry
  elseif lot[LOT.MADE] ~= other[LOT.MADE] then
    return lot[LOT.MADE] < other[LOT.MADE]
  end
  return bytes_before(lot[LOT.ID], other[LOT.ID])
end

-- Set or clear the timers of a lot by what it says.
local function set_lot_timers(bucket, key, lot)
  local name = key .. '\0' .. lot[LOT.ID]
  for letter, due in pairs({ l = lot[LOT.EXPIRES], e = lot[LOT.NOTICE] }) do
    if due > 0 then
      set_timer(bucket, letter .. '\0' .. name, due)
    else
      clear_timer(bucket, letter .. '\0' .. name)
    end
  end
end

-- Let a lot lapse at another moment (0 = never), or tell of it at another; its place in the order of use may change.
local function set_expiry(bucket, change, lot, expires, notice)
  lot[LOT.EXPIRES], lot[LOT.NOTICE] = expires, notice
  set_lot_timers(bucket, change.key, lot)
  change.lots[#change.lots + 1] = { lot[LOT.ID], 0, 0, lot[LOT.REMAINING], lot[LOT.HELD], false, expires,
    lot[LOT.TRANSFERABLE], notice }
  table.sort(change.wallet[WALLET.LOTS], is_used_before)
end

-- Timer `e`, customer, wallet, lot: tell that the lot is about to lapse. Not where it is used up, or too late.
local function tell_expiry(bucket, i, timer, now)
  local customer, name, id = parts_of(timer[2])
  local change = begin(bucket, customer, name, now)
  local lot = change and find_lot(change.wallet, id)
  if not lot or lot[LOT.NOTICE] ~= timer[1] or lot[LOT.EXPIRES] <= now then
    return false
  end
  set_expiry(bucket, change, lot, lot[LOT.EXPIRES], 0)
  change.alerts = { { ALERT.LOT_EXPIRING, id, lot[LOT.REMAINING], '' } }
  finish(bucket, -i, change, KIND.EXPIRING, REASON.LOT, DECIDED.NONE, false,
    { customer = customer, due_at_ms = timer[1] })
  return true
end
