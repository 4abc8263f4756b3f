-- Blocks of a customer, a wallet or a sender: sets of causes. A block begins with its first cause and ends with its
-- last; only then it has `changed`, and the world is told. Whoever has another cause adds its bit to CAUSE and its
-- line here.

local REASON_OF_CAUSE = {
  [CAUSE.SUSPENDED] = REASON.SUSPENDED, [CAUSE.INSUFFICIENT_CREDIT] = REASON.INSUFFICIENT_CREDIT,
  [CAUSE.MANUAL] = REASON.MANUAL, [CAUSE.BELOW_LEVEL] = REASON.BELOW_LEVEL,
  [CAUSE.WALLET_FROZEN] = REASON.WALLET_FROZEN, [CAUSE.LIMIT_REACHED] = REASON.LIMIT_REACHED,
  [CAUSE.SPAM] = REASON.SPAM, [CAUSE.NO_PLAN] = REASON.NO_PLAN,
}

local function has_cause(causes, cause)
  return causes % (2 * cause) >= cause
end

-- What an entry tells: the cause that came or went, and the block after it.
local function note_block(list, level, id, block, changed, reason)
  local stands = block[BLOCK.CAUSES] > 0
  list[#list + 1] = { level, id, block[BLOCK.CAUSES], changed, reason, block[BLOCK.WALLET], block[BLOCK.NEEDED],
    block[BLOCK.UNTIL], stands and block[BLOCK.SINCE] or 0, stands and block[BLOCK.SEQ] or 0 }
end

-- Add a cause to `block` (false where nothing blocks yet), at `now` in the entry `seq`; noted in `list`. `more` may
-- have `wallet` and `needed`, which must be available there to lift it, and `until_ms`, when time alone lifts it.
-- Returns the block; nil where the cause stands already.
local function add_cause(list, level, id, block, cause, now, seq, more)
  if block and has_cause(block[BLOCK.CAUSES], cause) then
    return nil
  end
  local changed = block and 0 or 1
  block = block or { 0, '', 0, 0, now, seq }
  block[BLOCK.CAUSES] = block[BLOCK.CAUSES] + cause
  if more and more.needed then
    local needed = block[BLOCK.WALLET] == '' and more.needed or math.max(block[BLOCK.NEEDED], more.needed)
    block[BLOCK.WALLET], block[BLOCK.NEEDED], block[BLOCK.SEQ] = more.wallet, needed, seq
  elseif more and more.until_ms then
    block[BLOCK.UNTIL] = more.until_ms
  end
  note_block(list, level, id, block, changed, REASON_OF_CAUSE[cause])
  return block
end

-- Take a cause away. Returns the block, false where that was the last; nil where the cause does not stand.
local function remove_cause(list, level, id, block, cause)
  if not block or not has_cause(block[BLOCK.CAUSES], cause) then
    return nil
  end
  local left = block[BLOCK.CAUSES] - cause
  block[BLOCK.CAUSES] = left
  if not has_cause(left, CAUSE.INSUFFICIENT_CREDIT) and not has_cause(left, CAUSE.BELOW_LEVEL) then
    block[BLOCK.WALLET], block[BLOCK.NEEDED] = '', 0
  end
  if cause == CAUSE.LIMIT_REACHED then
    block[BLOCK.UNTIL] = 0
  end
  local is_gone = left == 0
  note_block(list, level, id, block, is_gone and 1 or 0, REASON_OF_CAUSE[cause])
  return not is_gone and block
end
