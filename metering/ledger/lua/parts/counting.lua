-- include: counters
-- When an event's units count: with the entry that holds or takes its price; they are given back with what is released.

local function keep_units(bucket, change, id, units, starts)
  local stored = state_of(bucket, change.customer, KEPT.COUNTER, id)
  if stored and stored[COUNTER.STARTS] == starts then
    local counter = { unpack(stored) }
    counter[COUNTER.USED] = counter[COUNTER.USED] + units
    keep_state(bucket, change.states, change.customer, KEPT.COUNTER, id, counter)
  end
end

-- Turn what a charge counted: `sign` -1 gives back, 1 counts again. Of several recipients that of `to` alone.
local function turn(bucket, change, charge, sign, to)
  local takes, turned = charge[CHARGE.TAKES] or {}, {}
  for n = 1, #takes do
    local made = takes[n]
    local window, name, recipient = string.match(made[1], '^counter:(%a+):([^:]+):?(.*)$')
    if window and made[3] * sign < 0 and (not to or recipient == '' or recipient == to) then
      keep_units(bucket, change, window .. ':' .. name, -made[3], made[2])
      made = { made[1], made[2], -made[3] }
    end
    turned[n] = made
  end
  charge[CHARGE.TAKES] = #turned > 0 and turned or false
end

-- Count what an event was priced by, and note it on its charge; `replaces` what the charge counted before.
local function count(bucket, change, charge, plan, replaces, is_denied)
  for n = 1, is_denied and 0 or #plan.view do
    local id = plan.view[n]
    keep_state(bucket, change.states, change.customer, KEPT.COUNTER, id, { unpack(plan.view[id]) })
  end
  if not charge then
    return
  end
  local before = charge[CHARGE.TAKES] or {}
  local takes = replaces and takes_that(before, false) or { unpack(before) }
  for n = 1, #plan.takes do
    local made = plan.takes[n]
    takes[#takes + 1] = is_denied and { made[1], made[2], -made[3] } or made
  end
  charge[CHARGE.TAKES] = #takes > 0 and takes or false
end

-- Whether an entry holds or takes the price that the event itself was priced at, not what was agreed before.
local function takes_own_price(change, input, kind, charge, total)
  local op = input[INPUT.OP]
  if op == OP.OUTCOME then
    return (kind == KIND.COMMITTED and input[INPUT.ACTUAL] == 1)
      or (kind == KIND.DEBITED and not charge[CHARGE.TAKES] and change.amount == -total)
  elseif (op == OP.END or op == OP.EXTEND) and charge[CHARGE.CALL] then
    return false
  end
  return kind == KIND.RESERVED or kind == KIND.DEBITED or kind == KIND.EXTENDED or kind == KIND.COMMITTED
end

-- What an entry counts. `charge` is the charge after it, false where it has none. Returns the amounts to tell, if any.
function counters.note(bucket, change, kind, charge, extras)
  local plan, input = bucket.counting, bucket.input
  local ended = input and input[INPUT.OP] == OP.OUTCOME and input[INPUT.MOMENT] >= MOMENT.FAILED
  if plan and kind == KIND.DENIED then
    count(bucket, change, charge, plan, true, true)
    return plan
  elseif plan and takes_own_price(change, input, kind, charge or {}, plan.total) then
    local granted = extras and extras.granted
    if granted then
      counters.price(bucket, input, bucket.customer, granted[2])
      plan = bucket.counting
    end
    local op = input[INPUT.OP]
    count(bucket, change, charge, plan, op == OP.OUTCOME or op == OP.END, false)
    return plan
  elseif charge and charge[CHARGE.TAKES] then
    local to = input and input[INPUT.OP] == OP.OUTCOME and input[INPUT.TO] or nil
    if kind == KIND.RELEASED or kind == KIND.EXPIRED or (kind == KIND.COMMITTED and ended) then
      turn(bucket, change, charge, -1, to)
    elseif kind == KIND.DEBITED then
      turn(bucket, change, charge, 1, to)
    end
  end
  return nil
end
