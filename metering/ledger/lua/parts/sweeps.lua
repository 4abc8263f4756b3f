-- include: change
-- include: customers
-- include: timer_names
-- What is done to every wallet of a customer: to a bounded number with the entry that begins it, to the rest with
-- further entries that a timer makes. `sweeps.JOB(sweep)` gives what is done to a wallet, the kind and the reason.

local sweeps = {}

local function sweep_timer(customer, job)
  return 's\0' .. customer .. '\0' .. job
end

-- Do `act(change)` to the wallets after the one that `sweep` has come to; note what is left to do, if anything.
local function sweep_on(bucket, main, job, sweep, act)
  local names, work, last = wallets_after(bucket, main.customer, sweep[SWEEP.AFTER], SWEEP_WORK_MAX + 1), 0, #sweep
  local done = 0
  while done < #names and work < SWEEP_WORK_MAX do
    done = done + 1
    local change = begin(bucket, main.customer, names[done], main.now)
    work = work + 1 + #change.wallet[WALLET.LOTS]
    act(change)
    -- What only pays the overdrawn changes no lot.
    local balance = change.wallet[WALLET.CREDIT] - change.wallet[WALLET.OVERDRAWN]
    if #change.lots > 0 or change.rules or balance ~= change.balance then
      main.others = main.others or {}
      table.insert(main.others, change)
    end
  end
  if done < #names then
    local rest = { unpack(sweep, 1, last) }
    rest[SWEEP.AFTER], rest[SWEEP.DUE] = names[done], main.now + SWEEP_PAUSE_MS
    keep_state(bucket, main.states, main.customer, KEPT.SWEEP, job, rest)
    set_timer(bucket, sweep_timer(main.customer, job), rest[SWEEP.DUE])
  elseif state_of(bucket, main.customer, KEPT.SWEEP, job) then
    drop_state(bucket, main.states, main.customer, KEPT.SWEEP, job)
    clear_timer(bucket, sweep_timer(main.customer, job))
  end
end

-- Begin a sweep, with `main` and from the first name on; it takes the place of one with the same job.
local function begin_sweep(bucket, main, job, sweep)
  local act = sweeps[job](bucket, main, sweep)
  act(main)
  sweep_on(bucket, main, job, sweep, act)
end

-- Timer `s`, customer, job: go on with the next wallets.
local function go_on_sweeping(bucket, i, timer, now)
  local customer, job = parts_of(timer[2])
  local sweep = state_of(bucket, customer, KEPT.SWEEP, job)
  if not sweep or sweep[SWEEP.DUE] ~= timer[1] then
    return false
  end
  local main = begin(bucket, customer, 'main', now)
  local act, kind, reason = sweeps[job](bucket, main, sweep)
  sweep_on(bucket, main, job, sweep, act)
  finish(bucket, -i, main, kind, reason, DECIDED.NONE, false, { customer = customer, due_at_ms = timer[1] })
  return true
end
