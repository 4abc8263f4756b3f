-- include: timers
-- include: expire_hold
-- include: expire_lot
-- include: end_window
-- include: expiry
-- include: cycles
-- include: fees
-- include: sweeps
-- include: begin_month
-- The timers due before an input. Each letter has its effect, in a part of its own: it says whether it made an entry.

-- Timer `c`, command: it is no longer remembered. Makes no entry.
local function forget_command(bucket, _, timer)
  bucket.commands[string.sub(timer[2], 3)] = false
  bucket.commands_dirty[string.sub(timer[2], 3)] = true
  return false
end

local EFFECTS = { c = forget_command, h = expire_hold, l = expire_lot, w = end_window, e = tell_expiry, y = begin_cycle,
  z = charge_fee, s = go_on_sweeping, u = begin_month }

-- Run what is due at the input's clock, soonest first, at most `bound` effects; `already` ran before at this clock.
local function run_timers(bucket, i, now, bound, already)
  local ran = already
  while ran < bound do
    local timer = next_timer(bucket, now)
    if not timer then
      return
    end
    if EFFECTS[string.sub(timer[2], 1, 1)](bucket, i, timer, now) then
      ran = ran + 1
    end
  end
end
