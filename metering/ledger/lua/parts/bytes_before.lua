-- Whether text `a` sorts before `b`, byte by byte. Lua's own `<` follows the locale that the server was started in, and so
-- could differ between two servers and from the order of a sorted set.
local function bytes_before(a, b)
  local n = 1
  while true do
    local x, y = string.byte(a, n), string.byte(b, n)
    if x ~= y then
      return (x or -1) < (y or -1)
    elseif not x then
      return false
    end
    n = n + 1
  end
end
