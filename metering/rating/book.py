"""A plan's rows compiled: one index for each charge, channel and direction, and their price lines, made once.
Leaves which charges a request brings to `assembly`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from metering.rating.charges import counter_uses, price_line
from metering.rating.index import Index
from metering.rating.money import Rounding
from metering.rating.plan_file import PlanFile
from metering.rating.price import PriceLine
from metering.rating.rows import Row, specificity

# Lines are kept by row and quantity; this many hold every combination in use, and the bound keeps memory flat.
_LINES_MAX = 65_536
_EMPTY = Index(())


class RateBook:
    """Immutable but for its cache of lines."""

    def __init__(self, file: PlanFile, rows: Sequence[Row]) -> None:
        self.rows = tuple(rows)
        self.rounding: Rounding = file.line_rounding
        self._included = file.included
        self._tiers = file.tiers
        groups: defaultdict[tuple[str, str, str], list[Row]] = defaultdict(list)
        for row in rows:
            groups[row.charge, row.channel, row.direction].append(row)
        self._indexes = {key: Index(group) for key, group in groups.items()}
        self._following = following_rows(rows)
        self._lines: dict[tuple[int, int, int], PriceLine] = {}

    def index(self, charge: str, channel: str, direction: str) -> Index:
        """The rows of one charge, channel and direction; an empty index when the plan has none."""
        return self._indexes.get((charge, channel, direction), _EMPTY)

    def following(self, row: Row) -> Row | None:
        """The row of the same key that comes into force next after `row`."""
        return self._following.get(row.number)

    def line(self, row: Row, quantity: int, recipients: int = 1) -> PriceLine:
        """The line of `row` for `quantity` units to each recipient, kept for the next time. Raises AmountTooLarge."""
        key = (row.number, quantity, recipients)
        line = self._lines.get(key)
        if line is None:
            uses = counter_uses(row, self._included, self._tiers)
            line = price_line(row, quantity, recipients, self.rounding, uses, self.following(row))
            if len(self._lines) >= _LINES_MAX:
                self._lines.clear()
            self._lines[key] = line
        return line


def row_key(row: Row) -> tuple[object, ...]:
    """What makes two rows the same rate at different times: everything they are chosen by, but the dates."""
    band = row.band.spans if row.band else None
    scope = (row.charge, row.channel, row.direction, row.sender_type, row.conversation_class)
    return (*scope, row.prefix, row.mcc_mnc, band)


def following_rows(rows: Sequence[Row]) -> dict[int, Row]:
    """Map a row's number to the row of the same key that comes into force next after it."""
    groups: defaultdict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row_key(row)].append(row)
    following: dict[int, Row] = {}
    for group in groups.values():
        if len(group) > 1:
            group.sort(key=specificity)
            following.update({row.number: later for row, later in zip(group, group[1:], strict=False)})
    return following
