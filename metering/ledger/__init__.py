"""The till: keys, Lua scripts, state codec and the typed call. The only code that touches Redis state."""
