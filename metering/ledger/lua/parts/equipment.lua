-- What only the general rules, limits and denials write of a bucket: tables that a call makes when it needs them, since
-- making them costs as much as an event. Until then they are one empty table that takes nothing, and stand in no field of the bucket. What the plain path
-- names once a call (plain_submit.lua) is not among them.

local NONE = setmetatable({}, { __newindex = function()
  error('a bucket is written before it is equipped')
end })

local GENERAL = { 'customers', 'customers_dirty', 'charges_dirty', 'charges_stored', 'senders_dirty', 'states',
  'states_dirty', 'states_packed', 'sorts_in', 'met', 'commands', 'commands_dirty', 'zones', 'names_new', 'timers_set',
  'due_new', 'marks', 'results', 'limited_rows', 'limits_figures', 'limits_told', 'limits_before', 'limit_places' }

-- What a bucket has as long as nothing else was put there; see also timers.lua.
local BARE = { due = NONE, due_next = 1, due_read = 0, due_more = true }
for n = 1, #GENERAL do
  BARE[GENERAL[n]] = NONE
end
local UNEQUIPPED = { __index = BARE }

local function equip(bucket)
  if not bucket.is_equipped then
    bucket.is_equipped = true
    for n = 1, #GENERAL do
      bucket[GENERAL[n]] = {}
    end
  end
end
