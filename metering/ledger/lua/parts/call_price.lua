-- What the seconds of a call cost, by the terms that its charge keeps. Exact: the worker gives no terms whose sums could
-- reach 2^53.

local function rounded(numerator, denominator, mode, step)
  local whole = denominator * step
  local rest = numerator % whole
  local quotient = (numerator - rest) / whole
  if rest > 0 and mode ~= ROUNDING.DOWN then
    local twice = 2 * rest
    if mode == ROUNDING.UP or twice > whole
      or (twice == whole and (mode == ROUNDING.HALF_UP or quotient % 2 == 1)) then
      quotient = quotient + 1
    end
  end
  return quotient * step
end

-- The price of `seconds`, and of `headroom` seconds reserved besides.
local function call_price(call, seconds, headroom)
  local quantity = seconds
  if seconds > 0 then
    local first, following = call[CALL.FIRST], call[CALL.NEXT]
    quantity = seconds <= first and first or first + math.ceil((seconds - first) / following) * following
  end
  if call[CALL.PER_CALL] == 1 then
    quantity = math.min(quantity, 1)
  else
    quantity = quantity + headroom
  end
  if quantity == 0 then
    return call[CALL.OTHERS]
  end
  local numerator = math.max(call[CALL.FIXED] + call[CALL.UNIT] * quantity, call[CALL.MINIMUM])
  return rounded(numerator, call[CALL.DENOMINATOR], call[CALL.MODE], call[CALL.STEP]) + call[CALL.OTHERS]
end

-- What `seconds` more cost a charge for which `agreed` is held already. What the headroom covers costs nothing more.
local function price_of_more(call, granted, seconds, headroom, agreed)
  return math.max(0, call_price(call, granted + seconds, headroom) - agreed)
end

-- The most of `asked` further seconds that `spendable` covers, and their price; 0 where that is not even one. The last
-- seconds need no headroom: the call ends with them.
local function covered_seconds(call, granted, asked, agreed, spendable)
  local low, high = 0, asked
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if price_of_more(call, granted, middle, 0, agreed) <= spendable then
      low = middle
    else
      high = middle - 1
    end
  end
  return low, low > 0 and price_of_more(call, granted, low, 0, agreed) or 0
end
