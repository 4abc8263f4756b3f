-- include: calendar
-- Months counted from a customer's billing start.

-- The moment so many months after the billing start, and how many whole months have passed since.
local function month_at(bucket, record, months)
  if months == 0 then
    return record[CUSTOMER.BILLING_START]
  end
  local zone = zone_of(bucket, record[CUSTOMER.TIME_ZONE])
  return anniversary(zone, local_day(zone, record[CUSTOMER.BILLING_START]), months)
end

local function months_passed(bucket, record, now)
  return cycles_since(zone_of(bucket, record[CUSTOMER.TIME_ZONE]), record[CUSTOMER.BILLING_START], 1, now)
end
