"""What is asked of a plan and what it answers: request, price with its lines, refusal.

Leaves finding the answer to `plan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from metering.rating.money import Rounding
from metering.rating.rows import Charge, ChargeOn
from metering.rating.segments import Encoding

RECIPIENTS_MAX = 1000
SENDER_TYPES = frozenset((None, "long_code", "short_code", "toll_free", "alphanumeric"))

RequestChannel = Literal["sms", "mms", "voice", "conversation", "broadcast", "number"]
Feature = Literal["forwarded", "voicemail_recorded", "voicemail_transcribed", "reprocessed"]
RefusalReason = Literal[
    "unrated",
    "rejected_destination",
    "invalid_number",
    "too_many",
    "unpriced",
    "amount_too_large",
    "feature_disabled",
]


class PriceRequest(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One thing to price. `to` holds E.164 numbers with `+`: the recipients, or for inbound the customer's own number.

    The size comes from `segments`, else `text`, else `encoding` + `characters` (sms), or from `seconds` (voice).
    `broadcast` is priced as voice when it has seconds, as mms when it has media, else as sms. `at_ms` is the event's
    own time (epoch milliseconds); it chooses the rows.
    """

    channel: RequestChannel
    to: tuple[str, ...]
    at_ms: int
    direction: Literal["outbound", "inbound", "forwarded"] = "outbound"
    feature: Feature | None = None
    segments: int | None = None
    text: str | None = None
    encoding: Encoding | None = None
    characters: int | None = None
    media: int | None = None
    seconds: int | None = None
    sender_type: str | None = None
    mcc_mnc: str | None = None
    conversation_class: str | None = None
    machine_detection: bool = False


class TierStep(msgspec.Struct, frozen=True, gc=False):
    """Units up to and including the `up_to`-th of the window (None = all the rest) cost `numerator / denominator`."""

    up_to: int | None
    numerator: int


class CounterUse(msgspec.Struct, frozen=True, gc=False):
    """A counter that decides about a line, as integers for the atomic call that keeps it.

    `included`: the first `limit` units of the window are free. `graduated`: each unit costs the price of the step it
    falls into. `volume`: all units of the line cost the price of the step that the line's last unit falls into.
    """

    counter: str
    window: Literal["month", "cycle"]
    mode: Literal["included", "graduated", "volume"]
    limit: int = 0
    steps: tuple[TierStep, ...] = ()


class LineTerms(msgspec.Struct, frozen=True, gc=False):
    """A line's arithmetic, for each of `count` recipients in turn.

    amount = round(max(minimum, (fixed_numerator + sum of the units' numerators) / denominator)), rounded once. All are
    integers; the numerators are micro-units times `denominator`. Without counters each unit's is `unit_numerator`.
    """

    quantity: int
    count: int
    fixed_numerator: int
    unit_numerator: int
    denominator: int
    minimum_micros: int
    rounding: Rounding
    uses: tuple[CounterUse, ...]


class PriceLine(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One row applied to one or more recipients alike. `quantity` and `each_micros` are of one recipient.

    `amount_micros` = `each_micros` x `recipients`. `next_*` is the row's next scheduled price, when there is one.
    """

    charge: Charge
    deck: str
    deck_version: str
    row_line: int
    prefix: str
    mcc_mnc: str | None = None
    sender_type: str | None = None
    conversation_class: str | None = None
    destination: str
    country: str
    effective_from_ms: int | None = None
    band: str | None = None
    per: str
    unit_price_micros: int
    connect_fee_micros: int = 0
    minimum_micros: int = 0
    quantity: int
    recipients: int = 1
    each_micros: int
    amount_micros: int
    next_price_micros: int | None = None
    next_from_ms: int | None = None
    terms: LineTerms | None = None


class RecipientPrice(msgspec.Struct, frozen=True, gc=False):
    """One recipient's share: what its outcome commits, when, and what its failure costs."""

    amount_micros: int
    charge_on: ChargeOn
    failed_fee_micros: int
    country: str
    lines: tuple[PriceLine, ...] = ()


class Price(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The price of a request, in micro-units of the plan's unit.

    Where recipients differ, `charge_on` is the latest moment and `country` the first one's; `recipients` has all.
    `failed_fee_micros` is the sum over recipients. `quantity` counts parts, messages or billed seconds of all
    recipients. `encoding` and `characters` are None and 0 where the text was not seen. `rate_json` is a JSON array.
    """

    amount_micros: int
    lines: tuple[PriceLine, ...]
    charge_on: ChargeOn
    failed_fee_micros: int
    quantity: int
    country: str
    encoding: Encoding | None = None
    characters: int = 0
    segments: int = 0
    rate_json: bytes
    recipients: Mapping[str, RecipientPrice] | None = None

    def amount_by_recipient(self, to: str) -> int:
        """Return the micro-units that one message to `to` costs; the whole amount when there is only one recipient."""
        return self.amount_micros if self.recipients is None else self.recipients[to].amount_micros


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """Why there is no price.

    `unrated`: no row, or a feature that is switched off; `rejected_destination`: a row says so; `invalid_number`: not
    E.164; `too_many`: recipients or parts; `unpriced`: the request does not say what is to be priced;
    `amount_too_large`: beyond 2^53 micro-units. `country` is the ISO code of the destination, for metrics, where it
    can be told. `feature_disabled`: the sender type needs equipment that the customer does not have.
    """

    reason: RefusalReason
    detail: str
    country: str | None = None
