-- include: limits
-- include: blocks
-- include: user_rules
-- What is special about the limit of a user's allotment: how far scheduled messages may go below it, the block of the
-- user while it is spent, and the user's own alerts.

local function is_allotment(limit)
  return limit[LIMIT.WINDOW] == 'allotment'
end

-- How far below zero a total may go: with scheduled messages, where the plan lets these go until the flag is set.
local function slack_of(bucket)
  local input, policy = bucket.input, bucket.customer.policy
  local is_scheduled = input[INPUT.OP] == OP.SUBMIT and input[INPUT.FLAGS] % (2 * FLAG.SCHEDULED) >= FLAG.SCHEDULED
  local has_flag = policy.switches % (2 * SWITCH.SEND_UNTIL_FLAG) >= SWITCH.SEND_UNTIL_FLAG
  return is_scheduled and has_flag and policy.overdraft or 0
end

-- Whether a limit holds back `price`. A user who is blocked waits until there is something to spend again.
function limits.denies(bucket, limit, price)
  if not is_allotment(limit) then
    return price > limits.room(limit)
  end
  return #limit[LIMIT.BLOCKED] > 0 or price > limits.room(limit) + slack_of(bucket)
end

-- Block the user of an allotment that is spent.
function limits.block_user(bucket, change, limit)
  if limits.room(limit) > 0 or #limit[LIMIT.BLOCKED] > 0 then
    return
  end
  limit[LIMIT.BLOCKED] = { limit[LIMIT.NAME] }
  note_block(blocks_noted(change), LEVEL.USER, limit[LIMIT.NAME],
    { CAUSE.LIMIT_REACHED, '', 0, 0, change.now, bucket.seq + 1 }, 1, REASON.LIMIT_REACHED)
end

function limits.unblock_user(change, limit)
  if #limit[LIMIT.BLOCKED] > 0 then
    limit[LIMIT.BLOCKED] = {}
    note_block(blocks_noted(change), LEVEL.USER, limit[LIMIT.NAME], { 0, '', 0, 0, 0, 0 }, 1, REASON.LIMIT_REACHED)
  end
end

-- What follows when a total went from `before` to what `limit` leaves: the user's block, and the user's alerts. Keeps both.
function limits.follow_user(bucket, change, id, before, limit)
  local after, was_blocked = limits.room(limit), #limit[LIMIT.BLOCKED]
  if after > 0 then
    limits.unblock_user(change, limit)
  elseif after < 0 and after < before and bucket.input and bucket.input[INPUT.OP] == OP.RECORD then
    limits.block_user(bucket, change, limit)
  end
  if #limit[LIMIT.BLOCKED] ~= was_blocked then
    limits.keep(bucket, change.states, change.customer, id, limit)
  end
  judge_user(bucket, change, limit[LIMIT.NAME], before, after)
end

-- What the user of an event may spend of the pool: the total, and how far below it may go; nil where nothing limits it.
function limits.spendable_of_user(bucket, change)
  local customer, acting = bucket.customer, bucket.input[INPUT.ACTING] or {}
  local sort = limits.sorts()['user:allotment:']
  if change.name ~= 'main' or not acting[1] or math.floor(customer.record[CUSTOMER.LIMITS] / sort[1]) % 2 == 0 then
    return nil
  end
  local limit = limits.of(bucket, customer.name, sort[2] .. acting[1])
  return limit and limits.room(limit) + slack_of(bucket) or nil
end

-- Why credit does not cover an event: a user who has an allotment is told that it is the pool's that is missing.
function limits.want(bucket, change)
  return limits.spendable_of_user(bucket, change) and REASON.POOL_EMPTY or REASON.INSUFFICIENT_CREDIT
end
