"""What compiled steps are told of usage events: types, limits, codes, rules. Leaves reading and adding to `native`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from metering import native
from metering.contracts.entries import Position
from metering.ledger.inputs import NO_PRICE
from metering.ledger.keys import SKEW_MS
from metering.rating import Price
from metering.rating.recurring import is_sender_type_enabled
from metering.rating.segments import GSM7_SINGLE, Segments, count_segments
from metering.worker.decoding import EVENT_BYTES_MAX, decode_usage
from metering.worker.event_kinds import EVENT_KINDS
from metering.worker.plain_inputs import (
    MOMENTS,
    OUTCOME_OP,
    OUTCOMES,
    REMEMBER,
    SCHEDULED,
    SENT,
    SINGLE,
    SUBMIT_OP,
    TEXT_TYPE,
    is_plain_customer,
)

if TYPE_CHECKING:
    from metering.native.events import Reader
    from metering.native.prices import Terms

encode = msgspec.json.Encoder().encode


def make_reader(bucket: int, partitions: int, window_ms: int) -> Reader | None:
    """Return what reads the usual events of a bucket; None where compiled steps are not used."""
    if not native.in_use:
        return None
    types = sorted((TEXT_TYPE, *OUTCOMES), key=lambda name: name != TEXT_TYPE)  # the most frequent first
    kinds = tuple((name.encode(), EVENT_KINDS[name].needs_to, EVENT_KINDS[name].moment.value) for name in types)
    return native.events.Reader(
        kinds,
        decode_usage,
        Position,
        window_ms=window_ms,
        skew_ms=SKEW_MS,
        bytes_max=EVENT_BYTES_MAX,
        bucket=bucket,
        partitions=partitions,
    )


@cache
def plain_terms() -> Terms:
    """Return what plain events are judged and priced by."""
    return native.prices.Terms(
        encode,
        is_plain=is_plain_customer,
        is_enabled=is_sender_type_enabled,
        price_type=Price,
        moments=MOMENTS,
        codes={
            "submit": SUBMIT_OP,
            "outcome": OUTCOME_OP,
            "sent": SENT,
            "single": SINGLE,
            "remember": REMEMBER,
            "scheduled": SCHEDULED,
            "no_price": NO_PRICE,
        },
        one_septet=bytes(count_segments(chr(code)) == Segments("gsm7", 1, 1) for code in range(128)),
        one_part_max=GSM7_SINGLE,
    )
