"""Finds the one row that prices a destination: longest prefix, most specific sender, in force at the time.

Leaves the order of specificity to `rows` and the amount to `charges`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import msgspec

from metering.rating.price import Price
from metering.rating.rows import Row, specificity
from metering.rating.times import BEGINNING_MS, END_MS

# `+` and three digits: enough to tell which prefix lengths a number can meet, few enough (900) to keep all.
HEAD_CHARACTERS = 4


class Span(msgspec.Struct, gc=False):
    """The time from `from_ms` up to `to_ms` in which `row` is in force (None: no row is).

    `prices` are kept by whoever prices the row, by a key of its own: so a price is found where its row was.
    """

    from_ms: int
    to_ms: int
    row: Row | None
    prices: dict[int, Price] | None = None


# A span that no instant falls into, for a cell whose spans are not cut yet, or cannot be since a time band has a say.
_NEVER = Span(0, 0, None)


class Cell(msgspec.Struct, gc=False):
    """The rows under one key, best first, and the spans of time that they share out (none where a band has a say).

    The spans are cut when the first number is looked for: most prefixes of a deck never meet one. `latest` is the span
    that answered last: most events fall into the same one, so a reader may try it before it calls `at`. Both are
    replaced as a whole, so readers in other threads see one or the other.
    Without gc: a deck has tens of thousands of cells, none in a cycle, and a pass over them would stop the stream.
    """

    rows: tuple[Row, ...]
    spans: tuple[Span, ...] | None
    latest: Span

    def at(self, at_ms: int) -> Row | None:
        """Return the best row in force at `at_ms`, None when none is."""
        spans = self.spans
        if spans is None:
            spans = self.spans = resolve_spans(self.rows)
        for span in spans:
            if span.from_ms <= at_ms < span.to_ms:
                self.latest = span
                return span.row
        return next((row for row in self.rows if row.covers(at_ms)), None)


def make_cell(rows: Sequence[Row]) -> Cell:
    """Put the rows of one key in order."""
    ordered = sorted(rows, key=specificity, reverse=True) if len(rows) > 1 else rows
    return Cell(tuple(ordered), None, _NEVER)


def resolve_spans(rows: Sequence[Row]) -> tuple[Span, ...]:
    """Cut time where rows (best first) begin or end, and keep the best row of each piece; not where one has a band."""
    terms = [row.terms for row in rows]
    if any(its.band for its in terms):
        return ()
    if len(rows) == 1:
        return (Span(terms[0].from_ms, terms[0].to_ms, rows[0]),)
    edges = sorted({BEGINNING_MS, END_MS} | {edge for its in terms for edge in (its.from_ms, its.to_ms)})
    return tuple(
        Span(start, end, next((row for row in rows if row.terms.from_ms <= start < row.terms.to_ms), None))
        for start, end in pairwise(edges)
    )


class CellMaker:
    """Makes one cell of the same rows, however many tables they stand in: one for each sender type and class."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, ...], Cell] = {}

    def of(self, rows: Sequence[Row]) -> Cell:
        """Return the cell of `rows`."""
        key = tuple([row.number for row in rows])
        cell = self._made.get(key)
        if cell is None:
            cell = self._made[key] = make_cell(rows)
        return cell


class Cells(dict[str, "Cell | Row | tuple[Row, ...]"]):
    """What stands under each prefix or network: a row, several, or the cell that was made of them.

    A cell is made when its key is first asked for: with its tuple it takes 96 bytes beside the row's 72, and of the
    tens of thousands of a deck most never meet a number. Readers in other threads see the rows or a cell of them.
    """

    __slots__ = ("_cell_of",)

    def __init__(self, cell_of: Callable[[Sequence[Row]], Cell]) -> None:
        super().__init__()
        self._cell_of = cell_of

    def add(self, key: str, row: Row) -> None:
        """Put a row under `key`, before any cell is made there."""
        self[key] = (*self.rows(key), row) if key in self else row

    def rows(self, key: str) -> tuple[Row, ...]:
        """Return the rows under `key`, which there is."""
        held = self[key]
        if isinstance(held, Cell):
            return held.rows
        return held if isinstance(held, tuple) else (held,)

    def cell(self, key: str) -> Cell | None:
        """Return the cell of `key`, made if need be; None where nothing stands under it."""
        held = self.get(key)
        if held is None or isinstance(held, Cell):
            return held
        cell = self[key] = self._cell_of(self.rows(key))
        return cell


class Table(dict[str, tuple[tuple[int, ...], tuple[Cell, ...]]]):
    """The rows for one sender type and conversation class, any-rows merged in, by prefix and by MCC-MNC.

    As a dict it maps a number's head to the prefix lengths beyond it that exist, longest first, and the cells at or
    above it, longest prefix first; an entry is made when a head is first met.
    """

    __slots__ = ("_by_head", "cells", "networks")

    def __init__(self, rows: Iterable[Row], cell_of: Callable[[Sequence[Row]], Cell] = make_cell) -> None:
        super().__init__()
        self.cells, self.networks = Cells(cell_of), Cells(cell_of)
        for row in rows:
            if row.mcc_mnc is None:
                self.cells.add(row.prefix, row)
            else:
                self.networks.add(row.mcc_mnc, row)
        # By head the prefix lengths beyond it, a bit for each: a set of them would take 216 bytes.
        self._by_head: dict[str, int] = {}
        for prefix in self.cells:
            beyond = len(prefix) - HEAD_CHARACTERS
            if beyond > 0:
                head = prefix[:HEAD_CHARACTERS]
                self._by_head[head] = self._by_head.get(head, 0) | 1 << beyond

    def __missing__(self, head: str) -> tuple[tuple[int, ...], tuple[Cell, ...]]:
        bits = self._by_head.get(head, 0)
        longer = tuple(HEAD_CHARACTERS + bit for bit in range(bits.bit_length() - 1, 0, -1) if bits >> bit & 1)
        above = (self.cells.cell(head[:length]) for length in range(HEAD_CHARACTERS, -1, -1))
        answer = self[head] = (longer, tuple(cell for cell in above if cell is not None))
        return answer

    def find(self, to: str, at_ms: int) -> Row | None:
        """Return the row for the E.164 number `to` when its network is not known."""
        longer, above = self[to[:HEAD_CHARACTERS]]
        for length in longer:
            cell = self.cells.cell(to[:length])
            if cell is not None and (row := cell.at(at_ms)) is not None:
                return row
        for cell in above:
            if (row := cell.at(at_ms)) is not None:
                return row
        return None

    def find_network(self, to: str, mcc_mnc: str, at_ms: int) -> Row | None:
        """Return the row for `to` on the network `mcc_mnc`: the network's, its country's (MCC), else by prefix."""
        for network in (mcc_mnc, mcc_mnc[:3]):
            cell = self.networks.cell(network)
            if cell is not None:
                for row in cell.rows:
                    if to.startswith(row.prefix) and row.covers(at_ms):
                        return row
        return self.find(to, at_ms)


def _applies(row: Row, sender_type: str | None, conversation_class: str | None) -> bool:
    terms = row.terms
    return terms.sender_type in {None, sender_type} and terms.conversation_class in {None, conversation_class}


class Index:
    """All rows of one charge, channel and direction, ready to be searched."""

    __slots__ = ("_tables", "is_empty")

    def __init__(self, rows: Sequence[Row]) -> None:
        self.is_empty = not rows
        senders = {row.terms.sender_type for row in rows} | {None}
        classes = {row.terms.conversation_class for row in rows} | {None}
        cell_of = CellMaker().of
        self._tables: dict[tuple[str | None, str | None], Table] = {
            (sender, named): Table((row for row in rows if _applies(row, sender, named)), cell_of)
            for sender in senders
            for named in classes
        }

    def table(self, sender_type: str | None, conversation_class: str | None = None) -> Table:
        """Return the rows that apply to this sender type and class: those that name it and those that name none."""
        tables = self._tables
        table = tables.get((sender_type, conversation_class))
        if table is None:
            sender = sender_type if (sender_type, None) in tables else None
            named = conversation_class if (None, conversation_class) in tables else None
            table = tables[sender, named]
        return table

    def find(
        self, to: str, at_ms: int, sender_type: str | None, mcc_mnc: str | None, conversation_class: str | None = None
    ) -> Row | None:
        """Return the most specific row in force for `to` (valid E.164), None when there is none."""
        table = self.table(sender_type, conversation_class)
        return table.find(to, at_ms) if mcc_mnc is None else table.find_network(to, mcc_mnc, at_ms)
