-- include: months
-- How a customer's cycles followed each other, whatever changes of plan and time zone there were: runs {month, months}
-- of cycles that begin every `months` (0: one that never ends) from a month after the billing start until the next run.

-- Note the changed terms of a cycle, whose next one begins `CYCLE.NEXT_MONTH`; before them it was every `months_before`.
local function note_run(cycle, months_before)
  local month, months, runs = cycle[CYCLE.NEXT_MONTH], cycle[CYCLE.MONTHS], {}
  local known = #cycle[CYCLE.RUNS] > 0 and cycle[CYCLE.RUNS] or { { 0, months_before } }
  for n = 1, #known do
    if known[n][1] < month then
      runs[#runs + 1] = known[n]
    end
  end
  local last = runs[#runs]
  if not last or last[2] ~= months or months > 0 and (month - last[1]) % months > 0 then
    runs[#runs + 1] = { month, months }
  end
  if #runs > RUNS_MAX then
    table.remove(runs, 1)
  end
  cycle[CYCLE.RUNS] = runs
end

-- How many cycles began after month `after`, until month `upto`.
local function cycles_begun(cycle, after, upto)
  local count, runs = 0, cycle[CYCLE.RUNS]
  for n = 1, #runs do
    local first, months = runs[n][1], runs[n][2]
    local last = runs[n + 1] and math.min(runs[n + 1][1] - 1, upto) or upto
    if months == 0 then
      count = count + (first > after and first <= last and 1 or 0)
    elseif last > after then
      local gone_by = math.max(math.ceil((after + 1 - first) / months), 0)
      count = count + math.max(math.floor((last - first) / months) - gone_by + 1, 0)
    end
  end
  return count
end
