-- An integer as text, exact up to 2^53: `..` and tostring would round it to 14 digits.
local function int(number)
  return string.format('%.0f', number)
end
