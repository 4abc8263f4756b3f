-- A call makes some thousand short-lived tables and texts beside little that stays: the collector need not begin anew each
-- time memory has doubled (its default, 200). Nor only when it has grown tenfold: what is new would lie in memory that no
-- cache has any more. Takes up to 6 MB more of the server. Said once to the Lua that keeps the functions.
collectgarbage('setpause', 400)
