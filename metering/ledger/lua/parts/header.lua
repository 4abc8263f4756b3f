-- include: structs
-- include: equipment
-- include: read_list
-- The header of a call: figures, then lists, in the order in which `Till.apply` packs them, without the head of the array.
-- It is where the call's view of the bucket begins: load.lua puts in what is false here.

local HEADER_VALUES = 19

local function read_header(packed, keys, rows)
  local at, chunk, to_usage, to_commands, number, slot_ms, window_ms, command_window_ms, count, clock_last, has_repeats,
    zones, more, digests_count, wallets_count, charges_count, senders_count, states_count, customers_count, slots_count =
    unpack_values(packed, HEADER_VALUES, 3)
  local digests, wallet_keys, wallet_names, charge_keys, sender_keys, state_keys, customers, policies, slots
  at, digests = read_list(packed, at, digests_count)
  at, wallet_keys = read_list(packed, at, wallets_count)
  at, wallet_names = read_list(packed, at, wallets_count)
  at, charge_keys = read_list(packed, at, charges_count)
  at, sender_keys = read_list(packed, at, senders_count)
  at, state_keys = read_list(packed, at, states_count)
  at, customers = read_list(packed, at, customers_count)
  at, policies = read_list(packed, at, 3 * customers_count)
  at, slots = read_list(packed, at, slots_count)
  return setmetatable({
    keys = keys, rows = rows, chunk = chunk, to_usage = to_usage, to_commands = to_commands, number = number,
    slot_ms = slot_ms, window_ms = window_ms, command_window_ms = command_window_ms, count = count,
    clock_last = clock_last, zones_new = zones or NONE, more = more or NONE, digests = digests, slots = slots,
    wallet_keys = wallet_keys, wallet_names = wallet_names, charge_keys = charge_keys, sender_keys = sender_keys,
    state_keys = state_keys, customers_listed = { names = customers, policies = policies, masks = {}, met = {}, packed = false },
    seq = false, seq_before = false, last_ts = false, masks = false, due_soonest = false, remember = false,
    ids = false, ids_slots = false, ids_known = false, ids_new = has_repeats and {} or false, ids_written = {},
    ids_runs = {}, ids_from = false, settled_from = false, has_charges = false, has_senders = false,
    wallets = {}, wallets_dirty = {}, wallets_packed = false, plain = {},
    charges = {}, charge_rows = false, charge_slots = {}, charge_deadlines = {}, charges_gone = {}, charges_kept = 0,
    senders = {}, senders_packed = false, sender_names = {},
    result_rows = { '', '' }, rows_count = 2, row_names = {}, name_places = {},
  }, UNEQUIPPED)
end
