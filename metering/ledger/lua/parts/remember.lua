-- include: change
-- include: seen
-- include: timers
-- Repeats, and how they are answered: commands are remembered by customer and id with their answer.

local function answer_duplicate_event(bucket, i, seq, decision, reason, granted)
  emit_plain(bucket, i, KIND.DUPLICATE, reason, decision, { duplicate_of = seq, granted = granted or nil })
end

-- What is remembered of a command, or false. Where more fell due than may run at once, its own timer may be late.
local function command_seen(bucket, key, now)
  local answer = bucket.commands[key]
  if answer == nil then
    local packed = redis.call('HGET', bucket.keys[KEY.COMMANDS], key)
    answer = packed and cmsgpack.unpack(packed) or false
    bucket.commands[key] = answer
  end
  return answer and answer[ANSWERED.AT] + bucket.command_window_ms > now and answer
end

local function answer_duplicate_command(bucket, i, answer)
  emit_plain(bucket, i, KIND.DUPLICATE, answer[ANSWERED.REASON], DECIDED.NONE,
    { duplicate_of = answer[ANSWERED.SEQ], first_answer = answer })
end

-- Of the further wallets of an entry: name, amount, available, held, overdrawn; false where there are none.
local function legs_of(extras)
  local legs = extras and extras.legs
  if not legs then
    return false
  end
  local kept = {}
  for n = 1, #legs do
    kept[n] = { legs[n][1], legs[n][4], legs[n][9], legs[n][10], legs[n][11] }
  end
  return kept
end

-- Keep the answer of the command whose entry was just made: seq, at, reason, wallet, amount, {available, held, overdrawn},
-- further wallets, what it did to an allotment.
local function remember_command(bucket, key, now)
  local entry = bucket.results[#bucket.results]
  local after = entry[15] and { entry[11], entry[12], entry[13] } or false
  bucket.commands[key] = { bucket.seq, now, entry[3], entry[15], entry[6], after, legs_of(entry[17]),
    entry[17] and entry[17].allotment or false }
  bucket.commands_dirty[key] = true
  set_timer(bucket, 'c\0' .. key, now + bucket.command_window_ms)
end
