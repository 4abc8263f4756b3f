"""Every code that Python and Lua share. Leaves their meaning to the contracts, and positions in records to `layout`.

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
    PUT_LIMIT = 30
    PUT_USER = 50
    SET_ALLOTMENT = 51
    CLOSE_USER = 52
    PUT_WALLET = 60
    FREEZE_WALLET = 61
    THAW_WALLET = 62
    CLOSE_WALLET = 63
    MERGE_WALLETS = 64
    TRANSFER = 65
    SET_WALLET_MODE = 66
    REVERSE_TOP_UP = 67
    CANCEL_PLAN = 80
    SET_OPTIONS = 81
    MARK_SPAM = 82
    UNMARK_SPAM = 83
    ADD_NUMBER = 84
    REMOVE_NUMBER = 85


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
    TRANSFERRED = 19
    FROZEN = 30
    THAWED = 31
    CLOSED = 32
    MERGED = 33
    REVERSED = 34
    ASSIGNED = 50
    ALLOTTED = 51
    USER_DELETED_RETURN = 52
    GRANTED = 80
    PLAN_CANCELLED = 81
    FORFEITED = 82
    GIVEN_BACK = 83
    RECURRING_FEE = 84
    NUMBER_FEE = 85
    EXPIRING = 86


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
    ACCOUNT_LOCKED = 33
    BELOW_LEVEL = 34
    WALLET_FROZEN = 35
    LIMIT_REACHED = 36
    SPAM = 37
    NO_PLAN = 38
    RULE_FIXED = 39
    UNKNOWN_LIMIT = 40
    UNKNOWN_USER = 50
    SHARED_ROLE = 51
    EXCEEDS_MAX = 52
    ALL_ASSIGNED = 53
    POOL_EMPTY = 54
    TOTAL_NEGATIVE = 55
    SAME_WALLET = 60
    WALLET_CLOSED = 61
    NOT_FROZEN = 62
    MAIN_WALLET = 63
    HOLDS_OPEN = 64
    WALLET_OVERDRAWN = 65
    TERMS_NOT_ACCEPTED = 66
    TRANSFERS_DISABLED = 67
    POOL_NOT_SPENDABLE = 68
    REFUND = 69
    CHARGEBACK = 70
    TRANSFERS_OUTWARD_ONLY = 71
    NOT_SPAM = 80
    UNKNOWN_NUMBER = 81


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


class StateKind(IntEnum):
    """The kinds of `contracts.states`."""

    LIMIT = 1
    COUNTER = 2
    REVERSAL = 20
    USER = 50
    ALLOTMENTS = 51
    CYCLE = 80
    FEE = 81
    FORFEIT = 82
    NUMBERS = 83
    SWEEP = 84


class AlertCode(IntEnum):
    """What a rule tells."""

    LOW = 1
    RECOVERED = 2
    EXHAUSTED = 3
    HOLD_EXPIRED = 4
    LIMIT_REACHED = 20
    LOT_EXPIRING = 80
    SHORT = 81


class Flag(IntEnum):
    """Properties of a submission, one bit each."""

    SINGLE = 1
    """One recipient and no broadcast: a denial for want of credit blocks."""
    RECEIVED = 2
    """Inbound: debited at once, never blocks, passes blocks, asks no decision."""
    REMEMBER = 4
    """It names a charge: what became of it is remembered."""
    FEATURE = 8
    """Received, and more than the message or call itself: forwarding, voicemail, reprocessing."""
    SCHEDULED = 16
    """Its time was set before: what a shortfall means is a policy of its own."""
    DRAFT = 32
    """Asks what it would cost, and whether that is there. The highest bit, so that one comparison finds it."""


class Switch(IntEnum):
    """Policies of a plan that the scripts need to know, one bit each; without any, every default holds."""

    ALL_FEATURES = 1
    """A blocked wallet is denied received events that cost credit, too."""
    INBOUND_NEGATIVE = 2
    """Received events are charged beyond what is there."""
    INBOUND_REFUSED = 4
    """Received events that credit does not cover are denied."""
    SEND_UNTIL_FLAG = 8
    """Scheduled messages may use the overdraft, alone, until a block holds them back."""
    COVERED_PART = 16
    """A submission to several is granted for the first recipients that credit covers."""
    CALL_PART = 32
    """A call is granted the seconds that credit covers, as its last."""
    REFUSES_DRAFTS = 64
    """A draft that costs more than there is is denied, not only noted."""


KINDS: dict[int, Kind] = {code.value: Kind[code.name] for code in KindCode}
REASONS: dict[int, Reason] = {code.value: Reason[code.name] for code in ReasonCode}
REASON_CODES: dict[Reason, int] = {reason: code for code, reason in REASONS.items()}
