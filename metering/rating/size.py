"""How much of a row a request uses: parts of its text, billed seconds, or one.

Leaves which rows those are to `assembly`.
"""

from __future__ import annotations

import msgspec

from metering.rating.charges import bill_seconds
from metering.rating.price import Price, PriceRequest, RefusalReason
from metering.rating.rows import Row
from metering.rating.segments import SEGMENTS_MAX, Segments, count_blocks, count_units
from metering.rating.texts import Counter

# A call, or a wrong number: 31 days.
SECONDS_MAX = 31 * 86_400


class SizeError(ValueError):
    """The request does not say how large it is, or is too large; `reason` is the refusal's."""

    def __init__(self, reason: RefusalReason, detail: str) -> None:
        super().__init__(detail)
        self.reason: RefusalReason = reason


class Size:
    """One request's size; its text is counted once, and only if a row wants it."""

    __slots__ = ("_count_text", "_counted", "_extra_steps", "_request")

    def __init__(self, request: PriceRequest, extra_steps: int, count_text: Counter) -> None:
        self._count_text = count_text
        self._request = request
        self._extra_steps = extra_steps
        self._counted: Segments | None = None

    def quantity(self, row: Row) -> int:
        """Return the units of `row` that one recipient uses; raises SizeError."""
        terms = row.terms
        if terms.channel == "voice" and terms.charge == "rate":
            seconds = self._request.seconds
            # A call that has just begun is sized by its first increment.
            billed = bill_seconds(terms.first if seconds is None else seconds, terms.first, terms.next)
            if terms.per == "call":
                return min(billed, 1)
            return billed + self._extra_steps * terms.next
        if terms.channel != "sms":
            return 1
        if self._counted is None:
            self._counted = self._count()
        if self._counted is None:
            if terms.per != "segment":
                return 1
            raise SizeError("unpriced", "needs a text, an encoding with characters, or a number of segments")
        parts = count_parts(self._counted, row)
        return parts if terms.per == "segment" else 1

    def describe(self, price: Price) -> Price:
        """Add what is known of the text to a price that is shared between texts."""
        counted = self._counted
        if counted is None:
            return price
        encoding = counted.encoding if counted.characters or self._request.segments is None else None
        return msgspec.structs.replace(
            price, encoding=encoding, characters=counted.characters, segments=counted.segments
        )

    def _count(self) -> Segments | None:
        """Take the sender's own count of parts where it has one, for it knows what went out; else count."""
        request = self._request
        characters = request.characters
        if request.segments is not None:
            return Segments(request.encoding or "gsm7", characters or 0, request.segments)
        if request.text is not None:
            return self._count_text(request.text)
        if request.encoding is not None and characters is not None and characters >= 0:
            return Segments(request.encoding, characters, count_units(request.encoding, characters))
        return None


def count_parts(counted: Segments, row: Row) -> int:
    """Return the parts that `row` charges: those of the network, or under `flat160` the blocks; raises SizeError."""
    parts = counted.segments
    if parts < 1:
        raise SizeError("unpriced", f"{parts} parts")
    if row.terms.segmenting == "flat160" and counted.characters:
        parts = max(1, count_blocks(counted.characters))
    if max(parts, counted.segments) > SEGMENTS_MAX:
        raise SizeError("too_many", f"{max(parts, counted.segments)} parts, {SEGMENTS_MAX} at most")
    return parts
