-- What a charge took: of limits {id, since, held}, and of counters {COUNTED_AS window ':' name [':' recipient], starts,
-- units}. Ids of limits begin with a level, none of which is called so.
local COUNTED_AS = 'counter:'

local function is_counted(take)
  return string.sub(take[1], 1, #COUNTED_AS) == COUNTED_AS
end

-- What a charge counted, or without `counted` what it took of limits.
local function takes_that(takes, counted)
  local found = {}
  for n = 1, #takes do
    if is_counted(takes[n]) == counted then
      found[#found + 1] = takes[n]
    end
  end
  return found
end
