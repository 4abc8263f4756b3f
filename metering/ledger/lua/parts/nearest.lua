-- How far a day, or a month, may begin from where it did in another time zone, and be the same.
local HALF_DAY_MS = 43200000
local HALF_MONTH_MS = 14 * 86400000
