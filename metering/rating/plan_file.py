"""A plan as its YAML file writes it, typed.

Leaves reading the file to `plan_reader` and compiling it with its decks to `plan`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from metering.rating.money import Rounding, RoundingMode, parse_micros
from metering.rating.policies import Amount, Policies

PositiveInt = Annotated[int, msgspec.Meta(ge=1, le=10**12)]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=31 * 86_400)]
Identifier = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
IndicLanguage = Literal[
    "bengali", "gujarati", "hindi", "kannada", "malayalam", "oriya", "punjabi", "tamil", "telugu", "urdu"
]
SingleShift = Literal["turkish", "spanish", "portuguese"] | IndicLanguage
LockingShift = Literal["turkish", "portuguese"] | IndicLanguage
HeldChannel = Literal["sms", "mms", "voice", "conversation", "broadcast"]
MeteredChannel = Literal["sms", "mms", "voice", "conversation"]

# How long a hold waits for its outcome. Messages: 72 hours, the longest validity period that carriers commonly keep
# trying for; a call: longer than calls are let run; a conversation: the 24-hour window it is sold by.
HOLD_SECONDS_DEFAULT: dict[str, int] = {
    "sms": 259_200,
    "mms": 259_200,
    "broadcast": 259_200,
    "voice": 14_400,
    "conversation": 86_400,
}


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class RoundingChoice(_Strict, frozen=True):
    """`step` is a decimal amount: every charged line is a multiple of it."""

    mode: RoundingMode
    step: Amount = "0.000001"


class TableRef(_Strict, frozen=True):
    """A deck or surcharge table, as a path under the rates directory; `time_zone` governs its dates and bands."""

    file: str
    time_zone: str = "UTC"


class SegmentOptions(_Strict, frozen=True):
    """How texts are counted beyond the default alphabet: typographic characters replaced, national tables tried."""

    smart: bool = False
    single_shift: tuple[SingleShift, ...] = ()
    locking_shift: tuple[LockingShift, ...] = ()


class AlertRule(_Strict, frozen=True):
    """A low-credit rule: fires at or below `level`, re-arms at or above `rearm` (default: anything above the level).

    With `percent`, the level is that much of the last top-up instead.
    """

    level: Amount = "0"
    percent: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    rearm: Amount | None = None
    enabled: bool = True
    scope: Literal["customer", "wallet", "user"] = "wallet"
    editable: bool = True
    repeat: Literal["once_per_crossing", "daily"] = "once_per_crossing"
    channels: tuple[Literal["email", "sms", "in_app", "banner", "popup", "mobile"], ...] = ("email",)
    recipients: tuple[str, ...] = ()

    @property
    def level_micros(self) -> int:
        """The level in micro-units of the plan's unit."""
        return parse_micros(self.level)

    @property
    def rearm_micros(self) -> int:
        """The re-arm level in micro-units; always above the level."""
        return max(parse_micros(self.rearm or self.level), self.level_micros + 1)


class Grant(_Strict, frozen=True):
    """Credit put into the pool at each cycle start."""

    amount: Amount
    kind: Literal["nro", "fro", "credit"] = "credit"


class Pack(_Strict, frozen=True):
    """A one-time purchase: `credit` of the plan's unit for `price` in `currency`."""

    id: Identifier
    credit: Amount
    price: Amount
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
    kind: Literal["nro", "fro", "credit"] = "credit"


class Recurring(_Strict, frozen=True):
    """A fee by month or cycle. `sender_type` is usable only with the fee or with the equipment that waives it."""

    id: Identifier
    price: Amount
    currency: str
    every: Literal["month", "cycle"] = "month"
    sender_type: str | None = None
    waived_by: str | None = None


class Scope(_Strict, frozen=True):
    """Which lines a counter applies to; empty lists mean all."""

    channel: MeteredChannel
    direction: Literal["outbound", "inbound", "forwarded"] = "outbound"
    countries: tuple[str, ...] = ()
    sender_types: tuple[str, ...] = ()
    conversation_classes: tuple[str, ...] = ()


class Included(_Strict, frozen=True):
    """The first `quantity` units (parts, messages, billed seconds, ...) of each window are free."""

    counter: Identifier
    scope: Scope
    quantity: PositiveInt
    window: Literal["month", "cycle"] = "cycle"


class Step(_Strict, frozen=True):
    """Units up to and including the `up_to`-th (None = the rest) cost `price`, or `percent` of the row's price."""

    up_to: PositiveInt | None = None
    price: Amount | None = None
    percent: Annotated[int, msgspec.Meta(ge=0, le=1000)] | None = None


class Tiers(_Strict, frozen=True):
    """Volume prices: `graduated` charges each unit by its own step, `volume` all of a line by the step it ends in."""

    counter: Identifier
    scope: Scope
    mode: Literal["graduated", "volume"]
    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1, max_length=20)]
    window: Literal["month", "cycle"] = "month"


class PlanFile(_Strict, frozen=True):
    """A plan file. `unit` is an ISO 4217 currency or `credit`."""

    id: Identifier
    title: str
    unit: Annotated[str, msgspec.Meta(pattern="^([A-Z]{3}|credit)$")]
    rounding: RoundingChoice
    decks: Annotated[tuple[TableRef, ...], msgspec.Meta(min_length=1)]
    surcharges: tuple[TableRef, ...] = ()
    cycle: Literal["monthly", "yearly", "none"] = "monthly"
    grant: Grant | None = None
    packs: tuple[Pack, ...] = ()
    recurring: tuple[Recurring, ...] = ()
    hold_seconds: dict[HeldChannel, Seconds] = {}
    alerts: tuple[AlertRule, ...] = ()
    segments: SegmentOptions = SegmentOptions()
    included: tuple[Included, ...] = ()
    tiers: tuple[Tiers, ...] = ()
    policy: Policies = Policies()

    @property
    def line_rounding(self) -> Rounding:
        """The one rounding of a charged line."""
        return Rounding(self.rounding.mode, parse_micros(self.rounding.step))
