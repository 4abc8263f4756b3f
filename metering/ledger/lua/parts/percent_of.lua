-- `percent` of an amount, rounded down: exact although amount * percent may be beyond 2^53.
local function percent_of(amount, percent)
  local rest = amount % 100
  return (amount - rest) / 100 * percent + math.floor(rest * percent / 100)
end
