-- include: structs
-- What the call answers: one entry for each input and timer effect, in their order. Most are a row of figures; any other
-- is a list by the fields of results.Result. Names in rows are places in a list of names.

-- Input; kind, reason, decision and state, a byte each; charge_on, a byte of nothing, the wallet's place in two; the
-- places of lot and sender; figures. Several in one number, because what packs them costs by the number.
local RESULT_ROW = '<iI4I4I4llllllllll'
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

-- An entry in a row, by RESULT_ROW. Lot 0: it changed nothing; state 0: it has no charge after it.
local function emit_row(bucket, row)
  local count = bucket.rows_count + 1
  bucket.seq, bucket.rows_count, bucket.result_rows[count] = bucket.seq + 1, count, row
end

-- What each entry is, in their order: `marks` has those in lists.
local function marks_of(bucket, entries)
  local marks = bucket.marks
  if #bucket.results == 0 then
    return string.rep(IN_A_ROW, entries)
  end
  for n = 1, entries do
    marks[n] = marks[n] or IN_A_ROW
  end
  return table.concat(marks)
end

-- All entries, packed: how many, what each is, the rows, names and lists. The first two have their places before the rows.
local function pack_results(bucket)
  local pieces, entries = bucket.result_rows, bucket.seq - bucket.seq_before
  pieces[1], pieces[2] = pack_struct('<I4', entries), marks_of(bucket, entries)
  pieces[bucket.rows_count + 1] = cmsgpack.pack({ bucket.row_names, bucket.results })
  return table.concat(pieces)
end
