"""Closed lists of words: kinds of entries, refusals, dead letters, alerts. Leaves their numbers to `ledger`."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a ledger entry is."""

    OPENED = "opened"
    TOPPED_UP = "topped_up"
    SETTINGS_CHANGED = "settings_changed"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    ADJUSTED = "adjusted"
    RESERVED = "reserved"
    EXTENDED = "extended"
    COMMITTED = "committed"
    RELEASED = "released"
    DEBITED = "debited"
    EXPIRED = "expired"
    """A timer effect: a hold passed its deadline, or a lot lapsed (`reason` says which)."""
    NOTED = "noted"
    """An outcome that changes no balance, such as a delivery of what was charged when it was sent."""
    DENIED = "denied"
    REFUSED = "refused"
    """A command that could be understood but not carried out."""
    DUPLICATE = "duplicate"
    TRANSFERRED = "transferred"
    """Credit moved between wallets of a customer; the entry's legs are the other sides."""


class Reason(StrEnum):
    """Why an input was not granted, or which of several ways an effect took."""

    UNKNOWN_CUSTOMER = "unknown_customer"
    UNKNOWN_WALLET = "unknown_wallet"
    UNKNOWN_PLAN = "unknown_plan"
    UNKNOWN_CHARGE = "unknown_charge"
    UNKNOWN_RULE = "unknown_rule"
    INSUFFICIENT_CREDIT = "insufficient_credit"
    SUSPENDED = "suspended"
    BLOCKED = "blocked"
    """The sender or the wallet is blocked."""
    UNRATED = "unrated"
    REJECTED_DESTINATION = "rejected_destination"
    INVALID_NUMBER = "invalid_number"
    TOO_MANY = "too_many"
    CHARGE_EXISTS = "charge_exists"
    WRONG_UNIT = "wrong_unit"
    CUSTOMER_EXISTS = "customer_exists"
    AMOUNT_OUT_OF_RANGE = "amount_out_of_range"
    NOT_SUSPENDED = "not_suspended"
    NOT_BLOCKED = "not_blocked"
    ALREADY = "already"
    """The state that the command asks for is there already."""
    INVALID_TIME_ZONE = "invalid_time_zone"
    INVALID_LEVEL = "invalid_level"
    LATE = "late"
    """Charged although its hold was denied, released, expired or never seen, since the message did go out."""
    OVERDRAWN = "overdrawn"
    """Charged beyond what was available."""
    HOLD = "hold"
    LOT = "lot"
    SETTLED = "settled"
    UNPRICED = "unpriced"
    """Priced neither by its fields nor by a hold."""
    INVALID_QUANTITY = "invalid_quantity"
    INVALID_SENDER_TYPE = "invalid_sender_type"
    TOO_LONG = "too_long"
    FEATURE_DISABLED = "feature_disabled"
    UNKNOWN_LIMIT = "unknown_limit"
    MANUAL = "manual"
    """Of a block: set or lifted by a command."""
    ACCOUNT_LOCKED = "account_locked"
    """Something received that costs credit, while its wallet is blocked and the plan locks all features."""
    BELOW_LEVEL = "below_level"
    """Of a block: less is available than the level at which the plan locks."""
    WALLET_FROZEN = "wallet_frozen"
    LIMIT_REACHED = "limit_reached"
    SPAM = "spam"
    NO_PLAN = "no_plan"
    RULE_FIXED = "rule_fixed"
    """The plan does not let its alert rule be changed."""


class DeadLetterReason(StrEnum):
    """Why a record could not become an input."""

    NOT_JSON = "not_json"
    INVALID = "invalid"
    """JSON, but not as the schema has it; the detail names the field."""
    TOO_LARGE = "too_large"
    NUL_CHARACTER = "nul_character"
    UNKNOWN_TYPE = "unknown_type"
    MISSING_FIELD = "missing_field"
    TOO_OLD = "too_old"
    IN_FUTURE = "in_future"
    MISROUTED = "misrouted"
    """Forwarded once already and in the wrong partition again."""
    EMPTY = "empty"


class AlertType(StrEnum):
    """What the `alerts` topic tells."""

    CREDIT_LOW = "credit.low"
    CREDIT_RECOVERED = "credit.recovered"
    SENDER_BLOCKED = "sender.blocked"
    SENDER_UNBLOCKED = "sender.unblocked"


class BlockLevel(StrEnum):
    """What a block holds back."""

    CUSTOMER = "customer"
    WALLET = "wallet"
    SENDER = "sender"
