-- Timer names are a letter and parts, each after U+0000. Returns customer, second part, third part.

local function parts_of(name)
  local first = string.find(name, '\0', 3, true)
  local second = string.find(name, '\0', first + 1, true)
  if second then
    return string.sub(name, 3, first - 1), string.sub(name, first + 1, second - 1), string.sub(name, second + 1)
  end
  return string.sub(name, 3, first - 1), string.sub(name, first + 1)
end
