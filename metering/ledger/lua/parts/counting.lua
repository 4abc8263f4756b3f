-- include: counters
-- When an event's units count: with the entry that holds or takes its price; they are given back with what is released.

-- Use more units of the window that began at `starts`, or fewer; nowhere when it is over. It may have to begin: what was
-- denied had counted nothing yet.
local function keep_units(bucket, change, window, name, units, starts)
  local id = window .. ':' .. name
  local counter = state_of(bucket, change.customer, KEPT.COUNTER, id)
  if units > 0 and not (counter and counter[COUNTER.STARTS] == starts) then
    counter = viewed({}, bucket, bucket.customer, { name, window }, change.now)
  end
  if counter and counter[COUNTER.STARTS] == starts then
    counter = { unpack(counter) }
    counter[COUNTER.USED] = counter[COUNTER.USED] + units
    keep_state(bucket, change.states, change.customer, KEPT.COUNTER, id, counter)
  end
end

-- Turn what a charge counted: `sign` -1 gives back, 1 counts again. Of several recipients those whom the entry settles.
local function turn(bucket, change, charge, sign, settled)
  local takes, turned = charge[CHARGE.TAKES] or {}, {}
  for n = 1, #takes do
    local made = takes[n]
    local window, name, recipient = string.match(made[1], '^counter:(%a+):([^:]+):?(.*)$')
    if window and made[3] * sign < 0 and concerns(charge, settled, recipient) then
      keep_units(bucket, change, window, name, -made[3], made[2])
      made = { made[1], made[2], -made[3] }
    end
    turned[n] = made
  end
  charge[CHARGE.TAKES] = #turned > 0 and turned or false
end

-- Note on a charge what an event was priced by, before what it took of limits. What is priced anew counts in the place
-- of what the charge counted before.
local function note_takes(charge, made, is_anew, settled, is_denied)
  local before, takes = charge[CHARGE.TAKES] or {}, {}
  local counted, of_limits = takes_that(before, true), takes_that(before, false)
  for n = 1, #counted do
    if not is_anew or not concerns(charge, settled, string.match(counted[n][1], '^counter:%a+:[^:]+:?(.*)$')) then
      takes[#takes + 1] = counted[n]
    end
  end
  for n = 1, #made do
    takes[#takes + 1] = is_denied and { made[n][1], made[n][2], -made[n][3] } or made[n]
  end
  for n = 1, #of_limits do
    takes[#takes + 1] = of_limits[n]
  end
  charge[CHARGE.TAKES] = #takes > 0 and takes or false
end

-- What an entry counts. `change.own_price` says that it holds, takes or denies the price that the event itself was
-- priced at, `change.granted` for how many recipients. `charge` is the charge after it, false where it has none.
-- Returns the amounts to tell, if any.
function counters.note(bucket, change, kind, charge, extras)
  local input, settled = bucket.input, extras and extras.settled
  local op = input and input[INPUT.OP]
  local settles = op == OP.OUTCOME or op == OP.END
  if bucket.counting and change.own_price and not (settles and kind == KIND.NOTED) then
    if change.granted then
      counters.price(bucket, input, bucket.customer, change.granted)
    end
    local plan = bucket.counting
    for n = 1, (kind == KIND.DENIED or kind == KIND.NOTED) and 0 or #plan.view do
      local id = plan.view[n]
      keep_state(bucket, change.states, change.customer, KEPT.COUNTER, id, { unpack(plan.view[id]) })
    end
    if charge then
      note_takes(charge, plan.takes, settles, settled, kind == KIND.DENIED)
    end
    return plan
  elseif charge and charge[CHARGE.TAKES] then
    local ended = op == OP.OUTCOME and input[INPUT.MOMENT] >= MOMENT.FAILED
    if kind == KIND.RELEASED or kind == KIND.EXPIRED or (kind == KIND.COMMITTED and ended) then
      turn(bucket, change, charge, -1, settled)
    elseif kind == KIND.DEBITED then
      turn(bucket, change, charge, 1, settled)
    end
  end
  return nil
end
