"""How much of a row a request uses: parts of its text, billed seconds, or one.

Leaves which rows those are to `assembly`.
"""

from __future__ import annotations

import msgspec

from metering.rating.charges import bill_seconds
from metering.rating.price import Price, PriceRequest, RefusalReason
from metering.rating.rows import Row
from metering.rating.segments import GSM7_SINGLE, SEGMENTS_MAX, Segmenting, Segments, count_units
from metering.rating.texts import Counter

# A call, or a wrong number: 31 days.
SECONDS_MAX = 31 * 86_400


class SizeError(ValueError):
    """The request does not say how large it is, or is too large; `reason` is the refusal's."""

    def __init__(self, reason: RefusalReason, detail: str) -> None:
        super().__init__(detail)
        self.reason: RefusalReason = reason


class Size:
    """One request's size; its text is counted at most once for each way of counting."""

    __slots__ = ("_count_text", "_counted", "_extra_steps", "_request")

    def __init__(self, request: PriceRequest, extra_steps: int, count_text: Counter) -> None:
        self._count_text = count_text
        self._request = request
        self._extra_steps = extra_steps
        self._counted: dict[Segmenting, Segments] = {}

    def quantity(self, row: Row) -> int:
        """Return the units of `row` that one recipient uses; raises SizeError."""
        if row.channel == "voice" and row.charge == "rate":
            seconds = self._request.seconds
            # A call that has just begun is sized by its first increment.
            billed = bill_seconds(row.first if seconds is None else seconds, row.first, row.next)
            if row.per == "call":
                return min(billed, 1)
            return billed + self._extra_steps * row.next
        if row.per == "segment":
            return self._segments(row)
        return 1

    def describe(self, price: Price) -> Price:
        """Add what is known of the text to a price that is shared between texts."""
        for counted in self._counted.values():
            return msgspec.structs.replace(
                price, encoding=counted.encoding, characters=counted.characters, segments=counted.segments
            )
        return price

    def _segments(self, row: Row) -> int:
        # A carrier fee counts parts as the rate did, which has been counted just before it.
        segmenting = row.segmenting
        if row.charge == "carrier_fee":
            segmenting = next(iter(self._counted), segmenting)
        counted = self._counted.get(segmenting)
        if counted is None:
            counted = self._counted[segmenting] = self._count(segmenting)
        if counted.segments > SEGMENTS_MAX:
            raise SizeError("too_long", f"{counted.segments} parts, {SEGMENTS_MAX} at most")
        return counted.segments

    def _count(self, segmenting: Segmenting) -> Segments:
        request = self._request
        if request.text is not None:
            return self._count_text(request.text, segmenting)
        characters = request.characters
        if request.encoding is not None and characters is not None and characters >= 0:
            flat = segmenting == "flat160"
            parts = -(-characters // GSM7_SINGLE) or 1 if flat else count_units(request.encoding, characters)
            return Segments(request.encoding, characters, parts)
        if request.segments is not None and request.segments > 0:
            return Segments(request.encoding or "gsm7", 0, request.segments)
        raise SizeError("invalid_quantity", "needs a text, an encoding with characters, or a number of segments")
