-- What each input is decided by, by its `OP`: every part that decides one adds its own. handler(bucket, i, input, customer)
local handlers = {}
