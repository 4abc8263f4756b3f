-- include: states
-- include: cycle_windows
-- include: charges
-- include: call_price
-- include: takes
-- Volume tiers and included quantities: the units that a customer has used in a month or cycle decide what more cost.
-- An event with counters is priced here, before it is decided, and counted when its entry holds or takes that price.
-- A charge remembers what it counted among its takes, as {'counter:' window ':' name [':' recipient], starts, units};
-- units that were given back stay there as a negative number, for a late charge to count again.

local counters = {}

-- The counter in the window that holds the input's clock, from the call's view of this input.
local function viewed(view, bucket, customer, use, now)
  local id = use[USE.WINDOW] .. ':' .. use[USE.COUNTER]
  local counter = view[id]
  if not counter then
    local stored = state_of(bucket, customer.name, KEPT.COUNTER, id)
    local goes_on = stored and (stored[COUNTER.ENDS] == 0 or now < stored[COUNTER.ENDS])
    if goes_on then
      counter = { unpack(stored) }
      if use[USE.WINDOW] == 'cycle' then
        local taken_over, ends = refit(bucket, customer, counter[COUNTER.STARTS], counter[COUNTER.ENDS], now)
        goes_on, counter[COUNTER.ENDS] = not taken_over, ends
      end
    end
    if not goes_on then
      local starts, ends = window_in(bucket, customer, use[USE.WINDOW], now)
      counter = { use[USE.WINDOW], use[USE.COUNTER], 0, starts, ends }
    end
    view[id], view[#view + 1] = counter, id
  end
  return counter, id
end

local function take(takes, id, to, counter, units)
  if units > 0 then
    counter[COUNTER.USED] = counter[COUNTER.USED] + units
    takes[#takes + 1] = { COUNTED_AS .. id .. (to ~= '' and ':' .. to or ''), counter[COUNTER.STARTS], units }
  end
end

-- The numerators of the units after the `before`-th up to the `before + units`-th of the window.
local function tier_numerator(use, before, units)
  local last, total, floor, steps = before + units, 0, 0, use[USE.STEPS]
  for n = 1, #steps, 2 do
    local ceiling = steps[n] == 0 and last or steps[n]
    if use[USE.MODE] == COUNTED_BY.VOLUME then
      if last <= ceiling then
        return units * steps[n + 1]
      end
    else
      total = total + math.max(0, math.min(last, ceiling) - math.max(before, floor)) * steps[n + 1]
    end
    floor = ceiling
  end
  return total
end

-- What one line costs one recipient. Included units are used up first and do not count towards tiers.
local function line_amount(plan, bucket, customer, terms, to, now)
  local left, tier = terms[TERMS.QUANTITY], nil
  for n = 1, #terms[TERMS.USES] do
    local use = terms[TERMS.USES][n]
    if use[USE.MODE] ~= COUNTED_BY.INCLUDED then
      tier = tier or use
    else
      local counter, id = viewed(plan.view, bucket, customer, use, now)
      local free = math.min(left, math.max(0, use[USE.LIMIT] - counter[COUNTER.USED]))
      take(plan.takes, id, to, counter, free)
      left = left - free
    end
  end
  if left == 0 and terms[TERMS.QUANTITY] > 0 then
    return 0
  end
  local numerator = terms[TERMS.FIXED] + terms[TERMS.UNIT] * left
  if tier and left > 0 then
    local counter, id = viewed(plan.view, bucket, customer, tier, now)
    numerator = terms[TERMS.FIXED] + tier_numerator(tier, counter[COUNTER.USED], left)
    take(plan.takes, id, to, counter, left)
  end
  return rounded(math.max(numerator, terms[TERMS.MINIMUM]), terms[TERMS.DENOMINATOR], terms[TERMS.MODE],
    terms[TERMS.STEP])
end

-- Whether an entry that settles those in `settled`, or without these all who are left, settles what a charge counted
-- for `recipient`.
local function concerns(charge, settled, recipient)
  local left = charge[CHARGE.RECIPIENTS]
  for n = 1, settled and #settled or 0 do
    if settled[n] == recipient then
      return true
    end
  end
  return recipient == '' or not settled and (not left or left[recipient] ~= nil)
end

-- What a charge counted does not stand in the way of pricing it anew.
local function leave_out(plan, bucket, customer, charge, now)
  for n = 1, #(charge[CHARGE.TAKES] or {}) do
    local made = charge[CHARGE.TAKES][n]
    local window, name, recipient = string.match(made[1], '^counter:(%a+):([^:]+):?(.*)$')
    if window and made[3] > 0 and concerns(charge, nil, recipient) then
      local counter = viewed(plan.view, bucket, customer, { name, window }, now)
      if counter[COUNTER.STARTS] == made[2] then
        counter[COUNTER.USED] = counter[COUNTER.USED] - made[3]
      end
    end
  end
end

-- Price an event by its counters: sets its price and those of its recipients, of whom the first `most` count.
function counters.price(bucket, input, customer, most)
  local lines, people = input[INPUT.COUNTED][1], input[INPUT.COUNTED][2]
  local plan = { view = {}, takes = {}, amounts = {}, total = 0 }
  for n = 1, #lines do
    plan.amounts[n] = 0
  end
  local now, op, key = input[INPUT.TS], input[INPUT.OP], bucket.charge_keys[input[INPUT.CHARGE]]
  if key and (op == OP.OUTCOME or op == OP.END) then
    leave_out(plan, bucket, customer, charge_of(bucket, key, now) or {}, now)
  end
  for n = 1, math.min(most or #people, #people) do
    local to, amount = people[n][1], people[n][2]
    for m = 1, #people[n][3] do
      local line = people[n][3][m]
      local cost = line_amount(plan, bucket, customer, lines[line], to, now)
      plan.amounts[line] = plan.amounts[line] + cost
      amount = amount + cost
    end
    plan.total = plan.total + amount
    if input[INPUT.RECIPIENTS] and op == OP.SUBMIT then
      input[INPUT.RECIPIENTS][2 * n] = amount
    end
  end
  input[INPUT.PRICE] = plan.total
  bucket.counting = plan
end
