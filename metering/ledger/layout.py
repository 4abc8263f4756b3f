"""Positions in the records and inputs that Python and Lua share, from 1 as Lua counts. Leaves codes to `codes`.

Numbers stand in stored records: add at the end, never renumber.
"""

from __future__ import annotations

from enum import IntEnum

LAYOUT_VERSION = 10
"""Of all that a bucket keeps in Redis. One that was left by another version counts as not loaded, and is restored from
the books: raise it with every change that older scripts could not read, or these not from older ones."""


class Input(IntEnum):
    """Positions in an input."""

    OP = 1
    TS = 2
    CUSTOMER = 3
    WALLET = 4
    CHARGE = 5
    SENDER = 6
    ID = 7
    PRICE = 8
    CHARGE_ON = 9
    DEADLINE = 10
    MOMENT = 10
    FEE = 11
    FLAGS = 12
    ACTUAL = 12
    RECIPIENTS = 13
    TO = 13
    CALL = 14
    """Of a submission: the terms of its call, or false."""
    SECONDS = 11
    """Of a call that is extended or has ended."""
    ACTING = 15
    """{user, campaign, sender}, each false where there is none: only of customers that have limits."""
    COUNTED = 16
    """Of an event in whose price counters take part: {list of lines by `Terms`, list of recipients}, each recipient
    {number, what its other lines cost, list of places of its lines}."""
    # Refusals
    REASON = 8
    ASKED = 9
    OPENS = 9
    """Of a refused command: it would have opened the customer, so an unknown one is no objection."""
    # Commands
    AMOUNT = 8
    UNIT = 9
    LOT_KIND = 10
    EXPIRES = 11
    TRANSFERABLE = 12
    """1, or 0 where the credit may not be moved to another wallet."""
    NOTICE = 13
    """How long before it lapses that is told, 0 = never."""
    PLAN = 8
    TIME_ZONE = 10
    COUNTRY = 11
    RULES = 12
    """Of a new wallet: a list of rules by `Rule`, their states still to be found."""
    CYCLE = 13
    """Of `open_customer`: months of the plan's cycle."""
    PLAN_CYCLE = 10
    """The same of `set_plan`."""
    GRANT = 14
    """Of `open_customer`, with the kind and the lead time of notices."""
    GRANT_KIND = 15
    GRANT_NOTICE = 16
    PLAN_GRANT = 11
    """The same of `set_plan`, and what becomes of what was granted before, by `codes.OnPlanChange`."""
    PLAN_GRANT_KIND = 12
    PLAN_NOTICE = 13
    ON_CHANGE = 14
    PLAN_FEES = 15
    """Of `set_plan`: list of {id, amount, unit, months}."""
    PLAN_NUMBERS = 16
    """Of `set_plan`: the same of the customer's numbers that cost something, by number."""
    PLAN_RULES = 18
    """Of `set_plan`: alert rules of `main`, and those of other wallets."""
    PLAN_WALLET_RULES = 19
    NUMBER = 8
    NUMBER_TYPE = 9
    """Of `add_number`: `long_code`, `short_code`, `toll_free`, or empty."""
    NUMBER_FEE = 10
    """Of `add_number`: {number, amount, unit, months}, or false where it costs nothing."""
    KEEPS_FRO_SPENDABLE = 8
    """Of `cancel_plan`: 1 where what never lapses can be spent without a plan."""
    OPTION_ROP = 8
    """Of `set_options`: 1, 0, or false to leave it."""
    OPTION_ZONE = 9
    OPTION_COUNTRY = 10
    OPTION_EQUIPMENT = 11
    OPTION_FEES = 12
    ROP_SCOPE = 13
    """1 where it covers all lots that are held, 0 where only what is granted meanwhile."""
    ROP_LAPSE = 14
    """1 where granted credit lapses again when it ends."""
    LIMIT = 8
    LIMIT_LEVEL = 9
    LIMIT_WINDOW = 10
    LIMIT_NAME = 11
    CAP = 12
    CARRY = 13
    OF_USER = 8
    """Of `put_user`, `set_allotment` and `close_user`: the user's name, not a place in a list."""
    ROLE = 9
    """False leaves it, as with the three that follow."""
    PER_MONTH = 10
    TOTAL = 11
    ADDED = 12
    ALLOTMENT_TERMS = 13
    """By `allotment_codes.Allotments`, without the users."""
    USER_RULES = 14
    """The rules of a new user: a list by `Rule`."""
    KEEPS_NEGATIVE = 15
    """1 where a user who has spent more than was assigned cannot be closed."""
    PLAN_ALLOTMENTS = 17
    """`ALLOTMENT_TERMS` of `set_plan`."""
    RULE = 8
    RULE_LEVEL = 9
    RULE_REARM = 10
    RULE_ENABLED = 11
    RULE_PERCENT = 12
    RULE_USER = 13
    WALLET_KIND = 8
    """By `codes.WalletKindCode`; false leaves it."""
    USER = 9
    NAME = 10
    REFERENCE = 11
    KEYWORD = 13
    TO_WALLET = 10
    TOP_UP = 10
    CAUSE = 11
    """By `codes.ReasonCode`."""
    WALLET_MODE = 8
    SWEPT = 9
    """Names of wallets whose free credit goes into the company pool."""
    MOVES_SHORTFALL = 11
    """1 where what a closing wallet owes goes along, 0 where that keeps it from closing."""


class Customer(IntEnum):
    """Positions in a customer's record."""

    VERSION = 1
    PLAN = 2
    UNIT = 3
    TIME_ZONE = 4
    COUNTRY = 5
    CAUSES = 6
    """What blocks the customer as a whole: bits of `cause_codes.Cause`."""
    BILLING_START = 7
    CYCLE = 8
    WALLET_MODE = 9
    """`per_user`, `shared_pool`, `per_account`, or empty: the plan's."""
    LIMITS = 10
    """Which limits there may be: a bit for each level and window (limits.lua). No bit is ever taken back."""
    LIMITS_COUNT = 11
    ROP = 12
    EQUIPMENT = 13


class Wallet(IntEnum):
    """Positions in a wallet's record."""

    UNIT = 1
    SEQ = 2
    CREDIT = 3
    """Sum of what remains in the lots."""
    HELD = 4
    OVERDRAWN = 5
    HELD_OVER = 6
    BLOCK = 7
    """False, or a block by `Block`."""
    LOTS = 8
    RULES = 9
    TOPPED_UP = 10
    """The amount of the last top-up, 0 before the first."""
    PROFILE = 11
    """By `Profile`, or false: an active company pool without names."""
    BLOCKED = 12
    """Senders blocked for want of credit in it, in order of blocking. Last: the first of them is put at the end."""


class Lot(IntEnum):
    """Positions in a lot."""

    ID = 1
    KIND = 2
    REMAINING = 3
    HELD = 4
    EXPIRES = 5
    MADE = 6
    TRANSFERABLE = 7
    """1, or 0 where it may not be moved to another wallet."""
    NOTICE = 8
    """When to tell that it is about to lapse; 0 = never, or told."""


class Rule(IntEnum):
    """Positions in a low-credit rule."""

    ID = 1
    STATE = 2
    LEVEL = 3
    REARM = 4
    ENABLED = 5
    PERCENT = 6
    """Of the last top-up; 0 where the level is absolute."""
    LOCKS = 7
    """1 where the wallet is blocked while less than the level is available."""
    FIXED = 8
    """1 where no command may change it, 2 where it is the plan's all the same, 0 where it is the customer's own."""
    USER = 9
    """Whose rule it is; empty where it is the wallet's."""


class Charge(IntEnum):
    """Positions in a charge's record."""

    STATE = 1
    WALLET = 2
    PRICE = 3
    HELD = 4
    COMMITTED = 5
    CHARGE_ON = 6
    FEE = 7
    DEADLINE = 8
    PARTS = 9
    SENDER = 10
    RECIPIENTS = 11
    TOUCHED = 12
    CALL = 13
    """False, or the terms of a call by `Call`."""
    TAKES = 14
    """False, or {limit, since, held} of each limit that it took from."""


class Limit(IntEnum):
    """Positions in a limit: the fields of `contracts.states.LimitState` after its id."""

    LEVEL = 1
    WINDOW = 2
    NAME = 3
    CAP = 4
    USED = 5
    HELD = 6
    CARRY = 7
    STARTS = 8
    ENDS = 9
    SINCE = 10
    REACHED = 11
    BLOCKED = 12


class Call(IntEnum):
    """Positions in the terms of a call; see `contracts.calls.CallTerms`."""

    SECONDS = 1
    HEADROOM = 2
    FIRST = 3
    NEXT = 4
    FIXED = 5
    UNIT = 6
    DENOMINATOR = 7
    MODE = 8
    STEP = 9
    MINIMUM = 10
    OTHERS = 11
    PER_CALL = 12


class Block(IntEnum):
    """Positions in a block of a wallet or a sender."""

    CAUSES = 1
    """Bits of `cause_codes.Cause`; a block without any is gone."""
    WALLET = 2
    """Whose want of credit it is; empty without one."""
    NEEDED = 3
    UNTIL = 4
    SINCE = 5
    SEQ = 6


class Answered(IntEnum):
    """Positions in what is remembered of a command."""

    SEQ = 1
    AT = 2
    REASON = 3
    WALLET = 4
    AMOUNT = 5
    AFTER = 6
    ALLOTMENT = 8
    """False, or what it did to a user's allotment."""
    LEGS = 7
    """False, or {wallet, amount, available, held, overdrawn} of each further wallet."""
