"""One row of a rate deck or surcharge table, typed.

Leaves reading files to `deck`, choosing the row to `index` and the amount to `charges`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from metering.rating.segments import Segmenting
from metering.rating.times import Band

Channel = Literal["sms", "mms", "voice", "conversation", "number"]
Direction = Literal["outbound", "inbound", "forwarded"]
SenderType = Literal["long_code", "short_code", "toll_free", "alphanumeric"]
Per = Literal["segment", "message", "recipient", "minute", "second", "call", "conversation", "month", "cycle"]
ChargeOn = Literal["submit", "sent", "delivered"]
Charge = Literal[
    "rate",
    "carrier_fee",
    "machine_detection",
    "voicemail_recording",
    "voicemail_transcription",
    "reprocessing",
    "number_rental",
]


class Source(msgspec.Struct, frozen=True, gc=False):
    """The table a row stands in: `name` without folder and extension, `version` (short content hash), time zone."""

    name: str
    version: str
    file: str
    zone: str


class RowTerms(msgspec.Struct, frozen=True, gc=False):
    """What a row says beside its destination and price: the same in thousands of rows, which share one of these.

    `first` and `next` are seconds. `from_ms` is inclusive, `to_ms` exclusive. Money is micro-units of the plan's unit.
    """

    source: Source
    charge: Charge
    channel: Channel
    direction: Direction
    sender_type: SenderType | None
    per: Per
    conversation_class: str | None
    first: int
    next: int
    connect_fee_micros: int
    minimum_micros: int
    charge_on: ChargeOn
    failed_fee_micros: int
    segmenting: Segmenting
    band: Band | None
    from_ms: int
    to_ms: int
    reject: bool


LINE_BITS = 32
"""Of a row's number: more lines than any table that fits into memory has."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """A price for some destinations, senders and times. `prefix` is stored with its `+`, `""` when any number matches.

    `number` is unique within a catalog: the table's place in it, and in the lowest `LINE_BITS` the row's line. Money is
    micro-units of the plan's unit, for one `per`. Without a copy of its terms, or a line of its own, a row is 72 bytes
    instead of 216: a worker holds tens of thousands.
    """

    number: int
    prefix: str
    mcc_mnc: str | None
    destination: str
    country: str
    price_micros: int
    terms: RowTerms

    @property
    def line(self) -> int:
        """The line in its table, from 1, at which it begins."""
        return self.number & ((1 << LINE_BITS) - 1)

    def covers(self, at_ms: int) -> bool:
        """Say whether the row is in force at `at_ms`."""
        terms = self.terms
        return terms.from_ms <= at_ms < terms.to_ms and (terms.band is None or terms.band.covers(at_ms))


def specificity(row: Row) -> tuple[int, int, bool, bool, bool, int]:
    """Rank for "the most specific row wins"; of the rows that match a request, the greatest rank is used.

    In order: MCC-MNC (longer first) over prefix, longer prefix over shorter, named sender type over any, named
    conversation class over any, time band over none, latest effective date.
    """
    terms = row.terms
    return (
        len(row.mcc_mnc or ""),
        len(row.prefix),
        terms.sender_type is not None,
        terms.conversation_class is not None,
        terms.band is not None,
        terms.from_ms,
    )
