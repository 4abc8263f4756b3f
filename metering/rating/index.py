"""Finds the one row that prices a destination: longest prefix, most specific sender, in force at the time.
Leaves the order of specificity to `rows` and the amount to `charges`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from metering.rating.rows import Row, specificity

# Below this many prefixes trying every length is as quick as looking up which lengths a number can have.
_HEADS_FROM = 64


class Cell:
    """The rows under one key, best first, and the `spans` (from_ms, to_ms, row), latest first, that decide by date.

    `spans` is None when a time band has a say; then only `at` knows.
    """

    __slots__ = ("rows", "spans")

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = tuple(sorted(rows, key=specificity, reverse=True))
        self.spans = None if any(row.band for row in rows) else resolve_spans(self.rows)

    def at(self, at_ms: int) -> Row | None:
        """The best row in force at `at_ms`, None when none is."""
        for row in self.rows:
            if row.covers(at_ms):
                return row
        return None


def resolve_spans(rows: Sequence[Row]) -> tuple[tuple[int, int, Row], ...]:
    """Cut time where rows (best first, none with a band) begin or end, and keep the best row of each piece."""
    edges = sorted({edge for row in rows for edge in (row.from_ms, row.to_ms)})
    spans: list[tuple[int, int, Row]] = []
    for start, end in zip(edges, edges[1:], strict=False):
        row = next((row for row in rows if row.from_ms <= start < row.to_ms), None)
        if row is None:
            continue
        if spans and spans[-1][2] is row:
            spans[-1] = (spans[-1][0], end, row)
        else:
            spans.append((start, end, row))
    return tuple(reversed(spans))


class Table:
    """The rows for one sender type and conversation class, any-rows merged in, by prefix and by MCC-MNC."""

    __slots__ = ("_cells", "_heads", "_lengths", "_networks")

    def __init__(self, rows: Iterable[Row]) -> None:
        by_prefix: defaultdict[str, list[Row]] = defaultdict(list)
        by_network: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            if row.mcc_mnc is None:
                by_prefix[row.prefix].append(row)
            else:
                by_network[row.mcc_mnc].append(row)
        self._cells = {prefix: Cell(rows) for prefix, rows in by_prefix.items()}
        self._networks = {network: Cell(rows) for network, rows in by_network.items()}
        self._lengths = tuple(sorted({len(prefix) for prefix in self._cells}, reverse=True))
        self._heads = self._map_heads() if len(self._cells) >= _HEADS_FROM else {}

    def _map_heads(self) -> dict[str, tuple[int, ...]]:
        """Map `+` and three digits to the lengths of the prefixes that numbers with this head can have."""
        lengths: defaultdict[str, set[int]] = defaultdict(set)
        for prefix in self._cells:
            if len(prefix) >= 4:
                lengths[prefix[:4]].add(len(prefix))
        shared: dict[tuple[int, ...], tuple[int, ...]] = {}
        heads = {}
        for number in range(1000):
            head = f"+{number:03d}"
            short = {length for length in range(4) if head[:length] in self._cells}
            found = tuple(sorted(lengths[head] | short, reverse=True))
            heads[head] = shared.setdefault(found, found)
        return heads

    def find(self, to: str, at_ms: int) -> Row | None:
        """The row for the E.164 number `to` when its network is not known."""
        cells = self._cells
        for length in self._heads.get(to[:4], self._lengths):
            cell = cells.get(to[:length])
            if cell is None:
                continue
            if cell.spans is not None:
                for from_ms, to_ms, row in cell.spans:
                    if from_ms <= at_ms < to_ms:
                        return row
            elif (found := cell.at(at_ms)) is not None:
                return found
        return None

    def find_network(self, to: str, mcc_mnc: str, at_ms: int) -> Row | None:
        """The row for `to` on the network `mcc_mnc` (digits): the network's, its country's (MCC), else by prefix."""
        if self._networks:
            for network in (mcc_mnc, mcc_mnc[:3]):
                cell = self._networks.get(network)
                if cell is not None:
                    for row in cell.rows:
                        if to.startswith(row.prefix) and row.covers(at_ms):
                            return row
        return self.find(to, at_ms)

    @property
    def rows(self) -> list[Row]:
        """Every row, in no particular order."""
        return [row for cells in (self._cells, self._networks) for cell in cells.values() for row in cell.rows]


class Index:
    """All rows of one charge, channel and direction, ready to be searched."""

    __slots__ = ("_tables", "any_sender", "rows")

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = tuple(rows)
        senders = {row.sender_type for row in rows} | {None}
        classes = {row.conversation_class for row in rows} | {None}
        self._tables: dict[tuple[str | None, str | None], Table] = {
            (sender, named): Table(
                [row for row in rows if row.sender_type in (None, sender) and row.conversation_class in (None, named)]
            )
            for sender in senders
            for named in classes
        }
        self.any_sender = self._tables[None, None]

    def table(self, sender_type: str | None, conversation_class: str | None = None) -> Table:
        """The rows that apply to this sender type (and class): those that name it and those that name none."""
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
        """The most specific row in force for `to` (E.164, valid), None when there is none."""
        table = self.table(sender_type, conversation_class)
        return table.find(to, at_ms) if mcc_mnc is None else table.find_network(to, mcc_mnc, at_ms)
