-- What an `apply` moves of the meta record. Numbers go to Redis as they are: making a text of one costs Lua as much as a
-- field that is written. What stays the same in nearly every call is written when it is another.
local function write_head(key, before, after)
  redis.call('HSET', key, 'seq', after.seq, 'chunk', after.chunk, 'usage', after.usage, 'commands', after.commands,
    'clock', after.clock)
  if after.timers_run ~= before.timers_run or after.due ~= before.due or after.slot_oldest ~= before.slot_oldest
    or after.slot_newest ~= before.slot_newest then
    redis.call('HSET', key, 'timers_run', after.timers_run, 'due', after.due, 'slot_oldest', after.slot_oldest,
      'slot_newest', after.slot_newest)
  end
end
