-- include: head
-- Write the head that an `apply` leaves. The slots stand in fields of their own as well, which are read where a bucket of
-- any layout is emptied; they change once in hours.
local function write_head(key, before, after)
  redis.call('HSET', key, 'head', pack_head_record(after))
  if after.slot_oldest ~= before.slot_oldest or after.slot_newest ~= before.slot_newest then
    redis.call('HSET', key, 'slot_oldest', after.slot_oldest, 'slot_newest', after.slot_newest)
  end
end
