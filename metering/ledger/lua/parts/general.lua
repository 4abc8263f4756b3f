-- include: submit
-- include: settle
-- include: calls
-- include: record
-- include: commands
-- include: put_limit
-- include: users
-- include: wallets
-- include: transfers
-- include: closing
-- include: modes
-- include: reversals
-- include: plan_changes
-- include: options
-- include: spam
-- include: numbers
-- include: remember
-- include: inputs
-- include: customers
-- include: run_timers
-- Every rule of the ledger: whatever the plain path leaves, and timers.

-- Whether a usage event asks for a decision: submissions, extensions, and refusals of these.
local function decision_of_refusal(op, input)
  local asks = op == OP.EXTEND or (op == OP.SUBMIT and not has_flag(input[INPUT.FLAGS], FLAG.RECEIVED))
    or (op == OP.REFUSE and input[INPUT.ASKED] == 1)
  return asks and DECIDED.DENIED or DECIDED.NONE
end

local function apply_event(bucket, i, input, op, now, customer)
  local digest = bucket.digests[i]
  local seq, decision, reason, granted = event_seen(bucket, i, digest, now)
  if seq then
    return answer_duplicate_event(bucket, i, seq, decision, reason, granted)
  end
  if not customer.record then
    emit_plain(bucket, i, KIND.DENIED, REASON.UNKNOWN_CUSTOMER, decision_of_refusal(op, input))
  elseif op == OP.REFUSE then
    emit_plain(bucket, i, KIND.DENIED, input[INPUT.REASON], decision_of_refusal(op, input))
  else
    if input[INPUT.COUNTED] then
      counters.price(bucket, input, customer)
    end
    handlers[op](bucket, i, input, customer)
  end
  local entry = bucket.results[#bucket.results]
  bucket.remember(i, now, entry[4], entry[3], entry[17] and entry[17].granted)
end

local function apply_command(bucket, i, input, op, now, customer)
  local key = input[INPUT.ID]
  local answer = command_seen(bucket, key, now)
  if answer then
    return answer_duplicate_command(bucket, i, answer)
  end
  if op == OP.OPEN_CUSTOMER then
    handlers[op](bucket, i, input, customer)
  elseif op == OP.REFUSE_COMMAND and input[INPUT.OPENS] == 1 then
    refuse(bucket, i, customer.record and REASON.CUSTOMER_EXISTS or input[INPUT.REASON])
  elseif not customer.record then
    refuse(bucket, i, REASON.UNKNOWN_CUSTOMER)
  elseif op == OP.REFUSE_COMMAND then
    refuse(bucket, i, input[INPUT.REASON])
  else
    handlers[op](bucket, i, input, customer)
  end
  remember_command(bucket, key, now)
end

-- Whatever is not plain; the input's row begins at `at`.
local function apply_input(bucket, i, op, now, at)
  if op == OP.TICK then
    return
  end
  local input, apply_one = input_of(bucket, i, at), op < OP.OPEN_CUSTOMER and apply_event or apply_command
  bucket.customer, bucket.input, bucket.counting = customer_at(bucket, input[INPUT.CUSTOMER]), input, nil
  apply_one(bucket, i, input, op, now, bucket.customer)
  bucket.customer, bucket.input, bucket.counting = nil, nil, nil
end

return { apply_input = apply_input, run_timers = run_timers }
