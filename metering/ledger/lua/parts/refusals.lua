-- include: change
-- A command that could be understood but not carried out.
local function refuse(bucket, i, reason)
  return emit_plain(bucket, i, KIND.REFUSED, reason, DECIDED.NONE)
end
