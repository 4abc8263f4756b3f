-- Where a key stands among those of the list `of` that the call announced: wallets, charges, senders; nil for any other.
local function place_among(bucket, of, key)
  bucket.places = bucket.places or {}
  local places = bucket.places[of]
  if not places then
    places = {}
    local keys = bucket[of]
    for n = 1, #keys do
      places[keys[n]] = n
    end
    bucket.places[of] = places
  end
  return places[key]
end
