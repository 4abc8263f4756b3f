-- include: structs
-- The slots of the window in which events and settled charges are remembered.

local function slot_of(bucket, clock)
  return floor(clock / bucket.slot_ms)
end

-- The keys of the slot at a place among the call's.
local function ids_key(bucket, n)
  return bucket.keys[KEY.NAMES + n]
end

local function settled_key(bucket, n)
  return bucket.keys[KEY.NAMES + #bucket.slots + n]
end

local function slot_is_live(bucket, slot, now)
  return (slot + 1) * bucket.slot_ms > now - bucket.window_ms
end
