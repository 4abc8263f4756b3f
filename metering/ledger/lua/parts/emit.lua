-- include: structs
-- What the call answers: one entry for each input and timer effect, in their order. Most are a row of figures; any other
-- is a list by the fields of results.Result. Names in rows are places in a list of names.

-- Input in two bytes, kind, reason, decision, and state and charge_on of the charge in one each; places of wallet, lot and
-- sender in two each; figures. Several in one number, because what packs them costs by the number: so what is zero in most
-- entries stands at the end, and goes as text.
local CHANGED_ROW = '<I6I6lllllllll'
local CHANGED_FREE_ROW = '<I6I6llllllc24'
local UNCHANGED_ROW = '<I6I6llc56'
-- MessagePack: an array of two, and one whose length stands in four bytes.
local ARRAY_OF_TWO, ARRAY_32 = string.char(146), 221
-- The same without lists and limits.
local NOTHING_ELSE = string.char(146, 144, 221, 0, 0, 0, 0)
local ZEROS = string.rep('\0', 56)
local KIND_AT = 2 ^ 16
local REASON_AT = 2 ^ 24
local DECIDED_AT = 2 ^ 32
local STATE_AT = 2 ^ 40
local CHARGE_ON_AT = 2 ^ 44
local LOT_AT = 2 ^ 16
local SENDER_AT = 2 ^ 32
local IN_A_ROW, LIMITED_ROW, IN_A_LIST = 'r', 't', 'l'

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

-- An entry in a row, by one of the forms above. Lot 0: it changed nothing; state 0: it has no charge after it.
local function emit_row(bucket, row)
  local count = bucket.rows_count + 1
  bucket.seq, bucket.rows_count, bucket.result_rows[count] = bucket.seq + 1, count, row
end

-- A row of an entry that counted in limits, kept apart; `figures` has how many, and of each its place among the call's
-- limits and what is used of it now.
local function emit_limited_row(bucket, row)
  bucket.seq = bucket.seq + 1
  bucket.marks[bucket.seq - bucket.seq_before] = LIMITED_ROW
  bucket.limited_rows[#bucket.limited_rows + 1] = row
end

-- Numbers, eight bytes each.
local function pack_figures(figures)
  local pieces = {}
  for first = 1, #figures, 500 do
    local last = math.min(first + 499, #figures)
    pieces[#pieces + 1] = pack_struct('<' .. string.rep('l', last - first + 1), unpack(figures, first, last))
  end
  return table.concat(pieces)
end

-- What each entry is, in their order: `marks` has those that are not rows.
local function marks_of(bucket, entries)
  local marks = bucket.marks
  if #bucket.results == 0 and #bucket.limited_rows == 0 then
    return string.rep(IN_A_ROW, entries)
  end
  for n = 1, entries do
    marks[n] = marks[n] or IN_A_ROW
  end
  return table.concat(marks)
end

-- All entries, packed: how many, how many figures of limits and bytes of names; what each entry is, rows, rows with limits,
-- figures, names with U+0000 between, which none of them has; lists, and the limits as they were before, which are packed
-- already. The first two have their places before the rows.
local function pack_results(bucket)
  local pieces, entries, last = bucket.result_rows, bucket.seq - bucket.seq_before, bucket.rows_count
  if not bucket.is_equipped then
    local names = table.concat(bucket.row_names, '\0')
    pieces[1], pieces[2] = pack_struct('<I4I4I4', entries, 0, #names), string.rep(IN_A_ROW, entries)
    pieces[last + 1], pieces[last + 2] = names, NOTHING_ELSE
    return table.concat(pieces)
  end
  local figures, limited, names = bucket.limits_figures, bucket.limits_told, table.concat(bucket.row_names, '\0')
  pieces[1], pieces[2] = pack_struct('<I4I4I4', entries, #figures, #names), marks_of(bucket, entries)
  pieces[last + 1], pieces[last + 2] = table.concat(bucket.limited_rows), pack_figures(figures)
  pieces[last + 3], pieces[last + 4] = names, ARRAY_OF_TWO
  pieces[last + 5] = cmsgpack.pack(bucket.results)
  pieces[last + 6] = pack_struct('>BI4', ARRAY_32, #limited) .. table.concat(limited)
  return table.concat(pieces)
end
