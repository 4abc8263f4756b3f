"""The hot path of outbound texts: one look for the row and its carrier fee, one for the finished price.

Leaves everything but plain texts to one number to `assembly`; the figures are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from metering.rating.book import RateBook
from metering.rating.charges import AmountTooLargeError, encode_lines
from metering.rating.index import HEAD_CHARACTERS, Cell, Cells, Span, Table
from metering.rating.numbers import country_of, match_e164
from metering.rating.price import Price, Refusal
from metering.rating.rows import Row
from metering.rating.segments import SEGMENTS_MAX, Segments
from metering.rating.size import SizeError, count_parts
from metering.rating.times import BEGINNING_MS, END_MS

# Stands for the span of a row that was not found through one.
_NOWHERE = Span(0, 0, None)
_ALL_TIME = Span(BEGINNING_MS, END_MS, None)

_Head = tuple[tuple[int, ...], Cell | None, tuple[int, ...], Cell | None]


class Reach(msgspec.Struct, frozen=True, gc=False):
    """How far a price goes: to all numbers with the same first `characters`, from `from_ms` up to `to_ms`.

    A number of fewer characters is like no other.
    """

    characters: int
    from_ms: int
    to_ms: int


class SmsLane(dict[str, _Head]):
    """Prices the texts of one sender type. As a dict: a number's head to what `Table` says of it, rate and fee.

    The two cells are those that a number meets which no longer prefix claims.
    """

    __slots__ = ("_book", "_fee_cells", "_fees", "_networks", "_rate_cells", "_rates", "_spans")

    def __init__(self, book: RateBook, sender_type: str | None) -> None:
        super().__init__()
        self._book = book
        self._rates: Table = book.index("rate", "sms", "outbound").table(sender_type)
        self._fees: Table = book.index("carrier_fee", "sms", "outbound").table(sender_type)
        self._rate_cells = self._rates.cells
        self._fee_cells = self._fees.cells
        self._networks = frozenset((*self._rates.networks, *self._fees.networks))
        self._spans: dict[int, Span] = {}

    def __missing__(self, head: str) -> _Head:
        longer, above = self._rates[head]
        fee_longer, fee_above = self._fees[head]
        answer = self[head] = (
            longer,
            above[0] if above else None,
            fee_longer,
            fee_above[0] if fee_above else None,
        )
        return answer

    def price(  # noqa: C901, PLR0912  the look-ups stand here in full: a call for each would double the time
        self, to: str, segments: int, at_ms: int, mcc_mnc: str | None, characters: int | None
    ) -> Price | Refusal:
        """Price one text; see `Plan.price_sms`."""
        if match_e164(to) is None:
            return Refusal("invalid_number", f"{to[:32]!r} is not an E.164 number")
        span = _NOWHERE
        row: Row | None = None
        fee: Row | None = None
        if mcc_mnc is None or (mcc_mnc not in self._networks and mcc_mnc[:3] not in self._networks):
            longer, cell, fee_longer, fee_cell = self[to[:HEAD_CHARACTERS]]
            cells = self._rate_cells
            for length in longer:
                found = cells.get(to[:length])
                if found is not None:
                    cell = found if isinstance(found, Cell) else cells.cell(to[:length])
                    break
            if cell is not None:
                span = cell.latest
                if span.from_ms <= at_ms < span.to_ms and span.row is not None:
                    row = span.row
                else:
                    row = self._rates.find(to, at_ms)
                    span = cell.latest if cell.latest.row is row else _NOWHERE
            cells = self._fee_cells
            for length in fee_longer:
                found = cells.get(to[:length])
                if found is not None:
                    fee_cell = found if isinstance(found, Cell) else cells.cell(to[:length])
                    break
            if fee_cell is not None:
                fee_span = fee_cell.latest
                if fee_span.from_ms <= at_ms < fee_span.to_ms and fee_span.row is not None:
                    fee = fee_span.row
                else:
                    fee = self._fees.find(to, at_ms)
        else:
            row = self._rates.find_network(to, mcc_mnc, at_ms)
            fee = self._fees.find_network(to, mcc_mnc, at_ms)
        if row is None:
            return Refusal("unrated", f"no row for {to[:8]}…", country_of(to))
        key = segments
        parts = segments
        if not 0 < segments <= SEGMENTS_MAX or (characters and row.terms.segmenting == "flat160"):
            if row.terms.reject:
                return _rejected(row)
            try:
                parts = count_parts(Segments("gsm7", characters or 0, segments), row)
            except SizeError as error:
                return Refusal(error.reason, str(error), row.country)
        # The plain case is keyed by a small integer, which Python has ready; the others lie beyond it.
        if fee is not None or parts != segments:
            key = (fee.number + 1 if fee is not None else 0) << 16 | parts << 8 | segments
        if span.prices is not None:
            price = span.prices.get(key)
            if price is not None:
                return price
        return self._make(span, key, row, fee, parts, segments)

    def reach(self, to: str, at_ms: int) -> Reach:
        """Return how far the price of a text to the E.164 number `to` goes, by its segments alone.

        For no time where that is not known: where a row goes by the time of day, counts characters or has ended.
        """
        longer, cell, fee_longer, fee_cell = self[to[:HEAD_CHARACTERS]]
        # The prefixes that there are beyond the head, longest first: no character behind the longest has a say.
        characters = max((HEAD_CHARACTERS, *longer[:1], *fee_longer[:1]))
        span = _span_of(_longest(self._rate_cells, to, longer, cell), at_ms)
        fee_cell = _longest(self._fee_cells, to, fee_longer, fee_cell)
        fee_span = _ALL_TIME if fee_cell is None else _span_of(fee_cell, at_ms)
        if span.row is None or fee_span is _NOWHERE or span.row.terms.segmenting == "flat160":
            return Reach(characters, 0, 0)
        return Reach(characters, max(span.from_ms, fee_span.from_ms), min(span.to_ms, fee_span.to_ms))

    def _make(self, span: Span, key: int, row: Row, fee: Row | None, parts: int, segments: int) -> Price | Refusal:
        if row.terms.reject:
            return _rejected(row)
        if span is _NOWHERE:
            # Found by network or by the clock: kept by row, as the others are by the span that leads to them.
            span = self._spans.setdefault(row.number, Span(row.terms.from_ms, row.terms.to_ms, row))
            if span.prices is not None and key in span.prices:
                return span.prices[key]
        try:
            lines = [self._book.line(row, parts if row.terms.per == "segment" else 1)]
            # A fee of 0 is how a table ends one that a shorter prefix would bring: no line.
            if fee is not None and fee.price_micros:
                lines.append(self._book.line(fee, segments if fee.terms.per == "segment" else 1))
        except AmountTooLargeError as error:
            return Refusal("amount_too_large", f"{error} micro-units", row.country)
        price = Price(
            amount_micros=sum(line.amount_micros for line in lines),
            lines=tuple(lines),
            charge_on=row.terms.charge_on,
            failed_fee_micros=row.terms.failed_fee_micros,
            quantity=lines[0].quantity,
            country=row.country,
            segments=segments,
            rate_json=encode_lines(lines),
        )
        self._book.keep_price(span, key, price)
        return price


def _longest(cells: Cells, to: str, lengths: Sequence[int], above: Cell | None) -> Cell | None:
    return next((cells.cell(to[:length]) for length in lengths if to[:length] in cells), above)


def _span_of(cell: Cell | None, at_ms: int) -> Span:
    """Return the span in which a cell's own row is in force; `_NOWHERE` where there is none."""
    if cell is None or cell.at(at_ms) is None:
        return _NOWHERE
    span = cell.latest
    return span if span.from_ms <= at_ms < span.to_ms and span.row is not None else _NOWHERE


def _rejected(row: Row) -> Refusal:
    return Refusal("rejected_destination", f"{row.destination or row.prefix} is not served", row.country)
