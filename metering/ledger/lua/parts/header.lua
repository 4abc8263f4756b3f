-- include: structs
-- The header of a call: figures and lists in the order in which `Till.apply` packs them, without the head of the array.

local HEADER_VALUES = 18

local function read_header(packed)
  local _, bucket, slot_ms, window_ms, command_window_ms, count, clock_last, digests, has_repeats, wallet_keys,
    wallet_names, charge_keys, sender_keys, state_keys, zones, customers, policies, more, slots =
    unpack_values(packed, HEADER_VALUES, 3)
  return { bucket = bucket, slot_ms = slot_ms, window_ms = window_ms, command_window_ms = command_window_ms,
    count = count, clock_last = clock_last, digests = digests, has_repeats = has_repeats, wallet_keys = wallet_keys,
    wallet_names = wallet_names, charge_keys = charge_keys, sender_keys = sender_keys, state_keys = state_keys,
    zones = zones, customers = customers, policies = policies, more = more, slots = slots }
end
