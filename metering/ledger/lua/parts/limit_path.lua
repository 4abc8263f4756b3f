-- include: limits
-- include: limit_blocks
-- include: allotment_path
-- How charges meet limits: may it be taken, and where it is counted. A charge remembers what it took: {id, since, held}.

-- Whether a limit has no room for `price`: then it is told, and with `blocks` the sender is blocked, or the user whose
-- allotment it is.
function limits.objection(bucket, change, charge, price, blocks)
  local ids = limits.path(bucket, change, charge)
  for n = 1, ids and #ids or 0 do
    local id = ids[n]
    local stored = limits.of(bucket, change.customer, id)
    local limit = stored and limits.at(bucket, bucket.customer.record, stored, change.now)
    if limit and limits.denies(bucket, limit, price) then
      limit = limits.enter(bucket, change, id)
      limits.reach(change, id, limit)
      local sender = blocks and (bucket.input[INPUT.ACTING] or {})[3]
      if blocks and limit[LIMIT.WINDOW] == 'allotment' then
        limits.block_user(bucket, change, limit)
      elseif sender then
        limits.block(bucket, change, id, limit, sender)
      end
      limits.keep(bucket, change.states, change.customer, id, limit)
      return REASON.LIMIT_REACHED
    end
  end
  return nil
end

-- Settle `freed` of what a charge holds of a limit, `used` of it spent; what it took in a window that is over goes
-- nowhere. Returns what is left of its takes, and how much of `used` they covered.
local function settle_takes(takes, id, limit, freed, used)
  local left, covered = {}, 0
  for n = 1, #takes do
    local take = takes[n]
    if take[1] == id then
      local part = math.min(take[3], freed)
      local spent = math.min(part, used - covered)
      freed, covered = freed - part, covered + spent
      left[#left + 1] = { id, take[2], take[3] - part }
      if limit[LIMIT.SINCE] == take[2] then
        limit[LIMIT.HELD] = limit[LIMIT.HELD] - part
        limits.use(limit, spent)
      end
    end
  end
  return left, covered
end

-- What a hold takes of a limit joins what the charge took in the same window.
local function add_take(takes, id, limit, amount)
  limit[LIMIT.HELD] = limit[LIMIT.HELD] + amount
  local last = takes[#takes]
  if last and last[2] == limit[LIMIT.SINCE] then
    takes[#takes] = { id, last[2], last[3] + amount }
  else
    takes[#takes + 1] = { id, limit[LIMIT.SINCE], amount }
  end
end

local function takes_of(takes, id)
  local found = {}
  for n = 1, #takes do
    if takes[n][1] == id then
      found[#found + 1] = takes[n]
    end
  end
  return found
end

-- Count the change in one limit. Returns what the charge has of it, and whether it went over the cap.
local function count_in(bucket, change, id, takes, held, spent)
  local stored = limits.of(bucket, change.customer, id)
  if not stored then
    return {}, false
  end
  local limit, mine, covered = { unpack(stored) }, takes_of(takes, id), 0
  if held < 0 then
    mine, covered = settle_takes(mine, id, limit, -held, math.max(math.min(spent, -held), 0))
    limits.keep(bucket, change.states, change.customer, id, limit)
  end
  local beyond = math.max(spent - covered, 0)
  if held > 0 or beyond > 0 then
    limit = limits.enter(bucket, change, id)
    if held > 0 then
      add_take(mine, id, limit, held)
    end
    limits.use(limit, beyond)
    if limits.room(limit) <= 0 then
      limits.reach(change, id, limit)
    end
    limits.keep(bucket, change.states, change.customer, id, limit)
  end
  if stored[LIMIT.WINDOW] == 'allotment' then
    limits.follow_user(bucket, change, id, limits.room(stored), limit)
  end
  return mine, beyond > 0 and limits.room(limit) < 0
end

local COUNTED = { [KIND.RESERVED] = true, [KIND.EXTENDED] = true, [KIND.COMMITTED] = true, [KIND.RELEASED] = true,
  [KIND.DEBITED] = true, [KIND.EXPIRED] = true }

-- Count what an entry held, freed and spent in every limit that it meets, and note it on the charge. Returns whether
-- it went over a cap: what has happened is never held back.
function limits.count(bucket, change, kind, charge)
  local held, spent = change.held_change, -change.amount
  if not COUNTED[kind] or (kind == KIND.EXPIRED and not charge) or (held == 0 and spent == 0) then
    return false
  end
  local ids = limits.path(bucket, change, charge)
  if not ids then
    return false
  end
  local takes, is_over = charge and charge[CHARGE.TAKES] or {}, false
  local left = takes_that(takes, true)
  for n = 1, #ids do
    local mine, over = count_in(bucket, change, ids[n], takes, held, spent)
    is_over = is_over or over
    for m = 1, #mine do
      left[#left + 1] = mine[m]
    end
  end
  if charge then
    charge[CHARGE.TAKES] = #left > 0 and left or false
  end
  return is_over
end
