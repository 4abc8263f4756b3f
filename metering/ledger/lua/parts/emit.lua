-- What the call answers: one entry for each input and timer effect, in their order. Most are a row of figures; any other
-- is a list by the fields of results.Result. Names in rows are places in a list of names.

local RESULT_ROW = '<iBBBBBxHHHllllllllll'
local IN_A_ROW, IN_A_LIST = 'r', 'l'

-- The place of a name among those of the answer.
local function place_of_name(bucket, name)
  local place = bucket.name_places[name]
  if not place then
    place = #bucket.row_names + 1
    bucket.row_names[place], bucket.name_places[name] = name, place
  end
  return place
end

-- An entry in a list.
local function emit(bucket, entry)
  bucket.seq = bucket.seq + 1
  bucket.marks[bucket.seq - bucket.seq_before] = IN_A_LIST
  bucket.results[#bucket.results + 1] = entry
end

-- An entry in a row. `lot` 0: it changed nothing; `state` 0: it has no charge after it.
local function emit_row(bucket, input, kind, reason, decision, state, charge_on, wallet, lot, sender, wallet_seq, amount,
    held_change, available, held, lot_remaining, lot_held, price, fee, deadline)
  local seq, count = bucket.seq + 1, bucket.rows_count + 1
  bucket.seq, bucket.rows_count = seq, count
  bucket.marks[seq - bucket.seq_before] = IN_A_ROW
  bucket.result_rows[count] = struct.pack(RESULT_ROW, input, kind, reason, decision, state, charge_on, wallet, lot, sender, wallet_seq,
    amount, held_change, available, held, lot_remaining, lot_held, price, fee, deadline)
end

-- All entries, packed.
local function pack_results(bucket)
  local pieces, count = bucket.result_rows, bucket.rows_count
  pieces[count + 1] = cmsgpack.pack({ bucket.row_names, bucket.results })
  return table.concat({ struct.pack('<I4', #bucket.marks), table.concat(bucket.marks), table.concat(pieces) })
end
