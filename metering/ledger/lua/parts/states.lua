-- Records of a customer beside wallets and charges: one list a record, by customer, kind and id (contracts/states.py).

-- A number is dear to write: each kind's is written once.
local kinds_written = {}

local function state_key(customer, kind, id)
  local between = kinds_written[kind]
  if not between then
    between = '\0' .. kind .. '\0'
    kinds_written[kind] = between
  end
  return customer .. between .. id
end

-- The record, from the call's cache or Redis; false where there is none. Change it only to keep it with `keep_state`.
local function state_of(bucket, customer, kind, id)
  local key = state_key(customer, kind, id)
  local record = bucket.states[key]
  if record == nil then
    local packed = redis.call('HGET', bucket.keys[KEY.STATES], key)
    record = packed and cmsgpack.unpack(packed) or false
    bucket.states[key] = record
  end
  return record
end

local function note_state(notes, kind, id, record, gone)
  -- A copy: a later input of this call may change the record again. The last note of an entry about a record counts.
  local note = { kind, id, { unpack(record) }, gone }
  for n = 1, #notes do
    if notes[n][1] == kind and notes[n][2] == id then
      notes[n] = note
      return
    end
  end
  notes[#notes + 1] = note
end

-- Keep a record, and tell so in the entry: `notes` becomes its `extras.states`.
local function keep_state(bucket, notes, customer, kind, id, record)
  local key = state_key(customer, kind, id)
  bucket.states[key], bucket.states_dirty[key], bucket.limit_places[key] = record, true, nil
  note_state(notes, kind, id, record, 0)
end

-- Drop a record, and tell so in the entry.
local function drop_state(bucket, notes, customer, kind, id)
  local key = state_key(customer, kind, id)
  local record = state_of(bucket, customer, kind, id)
  bucket.states[key], bucket.states_dirty[key], bucket.limit_places[key] = false, true, nil
  note_state(notes, kind, id, record, 1)
end
