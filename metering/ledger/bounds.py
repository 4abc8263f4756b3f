"""Bounds on what one call does, shared by Python and Lua."""

from __future__ import annotations

TIMERS_PER_INPUT = 8
"""Most timer effects before one input: catches up with any backlog of timers while a chunk stays within ~5 ms."""

TIMERS_PER_TICK = 200
"""Most timer effects before a tick: about 3 ms of Redis."""

SENDERS_BLOCKED_MAX = 256
"""Senders blocked on one wallet before the wallet itself is blocked: bounds the work of lifting them."""

LOTS_MAX = 128
"""Lots of one wallet: bounds the cost of a charge. More credit joins a lot of the same kind and expiry."""

RULES_MAX = 16
"""Low-credit rules of one wallet."""

USERS_MAX = 1_000
"""Users of one customer who have an allotment: a command that assigns adds up those of all of them, in 5 ms."""

RUNS_MAX = 24
"""Changes between monthly and yearly cycles that a customer's windows remember; older ones count for nothing."""

LIMITS_MAX = 10_000
"""Limits of one customer. An event meets at most one for each level and window, 25 in all, however many there are."""

NUMBERS_MAX = 256
"""Phone numbers of one customer: a change of plan puts the fee of each anew, about 3 ms of Redis."""

SWEEP_WORK_MAX = 256
"""Wallets and lots that one entry goes through where all wallets of a customer are concerned: about 1 ms of Redis."""

SWEEP_PAUSE_MS = 250
"""Log time between two entries of such a sweep: a live chunk spans less, so that one call makes one of them or two."""
