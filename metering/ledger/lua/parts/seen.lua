-- include: structs
-- include: slots
-- Usage events that were seen before, by their digest, in window slots.
-- What is kept of one is a number, as text: its seq, and in the last ten bits decision and reason; behind a space what was
-- granted in part. Numbers go to Redis without a text of Lua's own.

local CODE_AT, SEQ_AT = 4, 1024

local function unpack_seen(packed)
  local number, granted = tonumber(packed), nil
  if not number then
    local figures, rest = string.match(packed, '^(%d+) (.*)$')
    number, granted = tonumber(figures), cmsgpack.unpack(rest)
  end
  local seq = floor(number / SEQ_AT)
  local codes = number - seq * SEQ_AT
  return seq, codes % CODE_AT, floor(codes / CODE_AT), granted
end

-- Whether something may be known of input `i`. Cautious: what is known may be forgotten at its time.
local function may_be_seen(bucket, i)
  return bucket.ids_known[i] or (bucket.ids_new and bucket.ids_new[bucket.digests[i]])
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
  local fresh = bucket.ids_new and bucket.ids_new[digest]
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

-- From the event at `place` on they are remembered in the slot of `now`.
local function begin_run(bucket, now, place)
  local slot, runs = slot_of(bucket, now), bucket.ids_runs
  if #runs == 0 or runs[#runs].slot ~= slot then
    runs[#runs + 1] = { slot = slot, first = place }
  end
end

-- Make the function that remembers input `i`, an event, by what its entry, the last one made, decided. `ids_new` is there
-- only where the call has an event twice.
local function remember_in(bucket)
  local written, digests, fresh, place, before = bucket.ids_written, bucket.digests, bucket.ids_new, 0, -1
  return function(i, now, decision, reason, granted)
    place = place + 2
    if now ~= before then
      before = now
      begin_run(bucket, now, place - 1)
    end
    local digest, seen = digests[i], bucket.seq * SEQ_AT + decision + CODE_AT * reason
    written[place - 1], written[place] = digest, seen
    if granted then
      written[place] = string.format('%.0f ', seen) .. cmsgpack.pack(granted)
    end
    if fresh then
      fresh[digest] = place
    end
  end
end
