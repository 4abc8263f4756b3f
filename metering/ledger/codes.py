"""Every number that Python and Lua share: codes and field positions. Leaves their meaning to the contracts.

The assembler writes these numbers into the scripts (`KIND.DEBITED` becomes `13`), so there is one list, not two.
Numbers stand in stored records and in the outbox: add at the end, never renumber.
"""

from __future__ import annotations

from enum import IntEnum

from metering.contracts.reasons import Kind, Reason


class Code(IntEnum):
    """What a script answers first."""

    OK = 0
    LOST = 1
    """The token is not ours, the bucket is not loaded, or its head is not where it was: claim it again."""
    STALE = 2
    """A customer's settings changed since pricing; nothing was written."""
    REPEATED = 3
    """The answer to an earlier call was lost; here are the chunks since."""
    RESTORE = 4
    """What Redis holds does not agree with the ledger: restore from the books."""
    SLOTS = 5
    """More window slots exist than were named; here is their range, call again with it."""


class Op(IntEnum):
    """What an input is to the ledger."""

    TICK = 0
    SUBMIT = 1
    EXTEND = 2
    OUTCOME = 3
    END = 4
    RECORD = 5
    ADJUST_CHARGE = 6
    REFUSE = 7
    OPEN_CUSTOMER = 20
    TOP_UP = 21
    SET_PLAN = 22
    SET_ALERT = 23
    SUSPEND = 24
    RESUME = 25
    BLOCK_SENDER = 26
    UNBLOCK_SENDER = 27
    ADJUST = 28
    REFUSE_COMMAND = 29


class KindCode(IntEnum):
    """`contracts.reasons.Kind`, as a number."""

    OPENED = 1
    TOPPED_UP = 2
    SETTINGS_CHANGED = 3
    SUSPENDED = 4
    RESUMED = 5
    BLOCKED = 6
    UNBLOCKED = 7
    ADJUSTED = 8
    RESERVED = 9
    EXTENDED = 10
    COMMITTED = 11
    RELEASED = 12
    DEBITED = 13
    EXPIRED = 14
    NOTED = 15
    DENIED = 16
    REFUSED = 17
    DUPLICATE = 18


class ReasonCode(IntEnum):
    """`contracts.reasons.Reason`, as a number; 0 is none."""

    UNKNOWN_CUSTOMER = 1
    UNKNOWN_WALLET = 2
    UNKNOWN_PLAN = 3
    UNKNOWN_CHARGE = 4
    UNKNOWN_RULE = 5
    INSUFFICIENT_CREDIT = 6
    SUSPENDED = 7
    BLOCKED = 8
    UNRATED = 9
    REJECTED_DESTINATION = 10
    INVALID_NUMBER = 11
    TOO_MANY = 12
    CHARGE_EXISTS = 13
    WRONG_UNIT = 14
    CUSTOMER_EXISTS = 15
    AMOUNT_OUT_OF_RANGE = 16
    NOT_SUSPENDED = 17
    NOT_BLOCKED = 18
    ALREADY = 19
    INVALID_TIME_ZONE = 20
    INVALID_LEVEL = 21
    LATE = 22
    OVERDRAWN = 23
    HOLD = 24
    LOT = 25
    SETTLED = 26
    UNPRICED = 27
    MANUAL = 28
    INVALID_QUANTITY = 29
    INVALID_SENDER_TYPE = 30
    TOO_LONG = 31
    FEATURE_DISABLED = 32


class Decided(IntEnum):
    """The decision on an input."""

    NONE = 0
    ALLOWED = 1
    DENIED = 2


class Moment(IntEnum):
    """When a charge is due, and which outcome an event tells. Sent and delivered are ordered."""

    SUBMIT = 0
    SENT = 1
    DELIVERED = 2
    FAILED = 3
    CANCELLED = 4
    EXPIRED = 5


class State(IntEnum):
    """The state of a charge."""

    HELD = 1
    COMMITTED = 2
    RELEASED = 3
    EXPIRED = 4
    DENIED = 5


class RuleStateCode(IntEnum):
    """The state of a low-credit rule."""

    ARMED = 0
    LOW = 1
    QUIET = 2


class Level(IntEnum):
    """What a block holds back."""

    CUSTOMER = 1
    WALLET = 2
    SENDER = 3


class AlertCode(IntEnum):
    """What a rule tells."""

    LOW = 1
    RECOVERED = 2


class Flag(IntEnum):
    """Properties of a submission, one bit each."""

    SINGLE = 1
    """One recipient and no broadcast: a denial for want of credit blocks."""
    RECEIVED = 2
    """Inbound: debited at once, never blocks, passes blocks, asks no decision."""
    REMEMBER = 4
    """It names a charge: what became of it is remembered."""


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
    PLAN = 8
    TIME_ZONE = 10
    COUNTRY = 11
    ALERT_LEVEL = 12
    ALERT_REARM = 13
    RULE = 8
    RULE_LEVEL = 9
    RULE_REARM = 10
    RULE_ENABLED = 11


class Customer(IntEnum):
    """Positions in a customer's record."""

    VERSION = 1
    PLAN = 2
    UNIT = 3
    TIME_ZONE = 4
    COUNTRY = 5
    SUSPENDED = 6


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
    """False, or {needed, since, seq}."""
    LOTS = 8
    RULES = 9
    BLOCKED = 10
    """Senders blocked for want of credit in it, in order of blocking."""


class Lot(IntEnum):
    """Positions in a lot."""

    ID = 1
    KIND = 2
    REMAINING = 3
    HELD = 4
    EXPIRES = 5
    MADE = 6


class Rule(IntEnum):
    """Positions in a low-credit rule."""

    ID = 1
    STATE = 2
    LEVEL = 3
    REARM = 4
    ENABLED = 5


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


class Sender(IntEnum):
    """Positions in a blocked sender's record."""

    WALLET = 1
    NEEDED = 2
    SINCE = 3
    SEQ = 4
    MANUAL = 5
    AUTO = 6


class Answered(IntEnum):
    """Positions in what is remembered of a command."""

    SEQ = 1
    AT = 2
    REASON = 3
    WALLET = 4
    AMOUNT = 5
    AFTER = 6


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

LUA_NAMES: dict[str, type[IntEnum]] = {
    "CODE": Code,
    "OP": Op,
    "KIND": KindCode,
    "REASON": ReasonCode,
    "DECIDED": Decided,
    "MOMENT": Moment,
    "STATE": State,
    "RULE_STATE": RuleStateCode,
    "LEVEL": Level,
    "ALERT": AlertCode,
    "FLAG": Flag,
    "INPUT": Input,
    "CUSTOMER": Customer,
    "WALLET": Wallet,
    "LOT": Lot,
    "RULE": Rule,
    "CHARGE": Charge,
    "SENDER": Sender,
    "ANSWERED": Answered,
}
"""The enum behind each prefix that a script may use."""

LUA_CONSTANTS: dict[str, int] = {
    "TIMERS_PER_INPUT": TIMERS_PER_INPUT,
    "TIMERS_PER_TICK": TIMERS_PER_TICK,
    "SENDERS_BLOCKED_MAX": SENDERS_BLOCKED_MAX,
    "LOTS_MAX": LOTS_MAX,
    "RULES_MAX": RULES_MAX,
    "MICROS_LIMIT": 2**53,
}

KINDS: dict[int, Kind] = {code.value: Kind[code.name] for code in KindCode}
REASONS: dict[int, Reason] = {code.value: Reason[code.name] for code in ReasonCode}
REASON_CODES: dict[Reason, int] = {reason: code for code, reason in REASONS.items()}
