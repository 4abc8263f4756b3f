-- include: structs
-- include: slots
-- Usage events that were seen before, by their digest, in window slots.

-- What is kept of an event, with a part grant behind it where there was one.
-- Packed with decision and reason in one number, because that costs by the number.
local SEEN, SEEN_IN_TWO = '<I6BB', '<I6H'

local function unpack_seen(packed)
  local seq, decision, reason, rest = unpack_struct(SEEN, packed)
  return seq, decision, reason, rest <= #packed and cmsgpack.unpack(string.sub(packed, rest)) or nil
end

-- Whether nothing is known of input `i`. Cautious: something may be known and forgotten at its time.
local function is_new(bucket, i)
  if bucket.ids_new[bucket.digests[i]] then
    return false
  end
  local ids = bucket.ids
  for n = 1, #ids do
    if ids[n][i] then
      return false
    end
  end
  return true
end

-- The slot that an event of this call was remembered in, by its place among those written.
local function slot_of_written(bucket, place)
  local runs = bucket.ids_runs
  local n = #runs
  while runs[n].first > place do
    n = n - 1
  end
  return runs[n].slot
end

-- What is remembered of an event: seq, decision, reason, a part grant; nil if it is new or forgotten at `now`.
local function event_seen(bucket, i, digest, now)
  local fresh = bucket.ids_new[digest]
  if fresh and slot_is_live(bucket, slot_of_written(bucket, fresh), now) then
    return unpack_seen(bucket.ids_written[fresh])
  end
  for n = 1, #bucket.ids do
    local packed = bucket.ids[n][i]
    if packed and slot_is_live(bucket, bucket.ids_slots[n], now) then
      return unpack_seen(packed)
    end
  end
  return nil
end

-- Remember an event by what its entry, the last one made, decided.
local function remember_event(bucket, digest, now, decision, reason, granted)
  local written = bucket.ids_written
  local place = bucket.ids_count + 2
  bucket.ids_count = place
  if bucket.ids_at ~= now then
    bucket.ids_at = now
    local slot, runs = slot_of(bucket, now), bucket.ids_runs
    if #runs == 0 or runs[#runs].slot ~= slot then
      runs[#runs + 1] = { slot = slot, first = place - 1 }
    end
  end
  local packed = pack_struct(SEEN_IN_TWO, bucket.seq, decision + 256 * reason)
  written[place - 1], written[place] = digest, granted and packed .. cmsgpack.pack(granted) or packed
  bucket.ids_new[digest] = place
end
