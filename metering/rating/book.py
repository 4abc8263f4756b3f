"""A plan's rows compiled: one index for each charge, channel and direction, and their price lines, made once.

Leaves which charges a request brings to `assembly`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from metering.rating.charges import counter_uses, price_line
from metering.rating.index import Index, Span
from metering.rating.money import Rounding
from metering.rating.plan_file import PlanFile
from metering.rating.price import Price, PriceLine
from metering.rating.rows import Row

# Prices of texts are shared objects, one for a row, its fee and a number of parts. This many hold all that are in use.
_PRICES_MAX = 65_536
# Lines are kept by row and quantity; this many hold every combination in use, and the bound keeps memory flat.
_LINES_MAX = 65_536
_EMPTY = Index(())


class RateBook:
    """Immutable but for its cache of lines."""

    def __init__(self, file: PlanFile, rows: Sequence[Row], following: Mapping[int, Row]) -> None:
        """Compile `rows`; `following` has by a row's number the one that comes into force next after it."""
        self.rows = tuple(rows)
        self.rounding: Rounding = file.line_rounding
        self._included = file.included
        self._tiers = file.tiers
        groups: defaultdict[tuple[str, str, str], list[Row]] = defaultdict(list)
        for row in self.rows:
            terms = row.terms
            groups[terms.charge, terms.channel, terms.direction].append(row)
        self._indexes = {key: Index(group) for key, group in groups.items()}
        self._following = following
        self._lines: dict[tuple[int, int, int], PriceLine] = {}
        self._priced: list[Span] = []
        self._prices_kept = 0

    def index(self, charge: str, channel: str, direction: str) -> Index:
        """Return the rows of one charge, channel and direction; an empty index when the plan has none."""
        return self._indexes.get((charge, channel, direction), _EMPTY)

    def following(self, row: Row) -> Row | None:
        """Return the row of the same key that comes into force next after `row`."""
        return self._following.get(row.number)

    def line(self, row: Row, quantity: int, recipients: int = 1) -> PriceLine:
        """Return the line of `row` for `quantity` units to each recipient, kept for the next time.

        Raises AmountTooLargeError.
        """
        key = (row.number, quantity, recipients)
        line = self._lines.get(key)
        if line is None:
            uses = counter_uses(row, self._included, self._tiers)
            line = price_line(row, quantity, recipients, self.rounding, uses, self.following(row))
            if len(self._lines) >= _LINES_MAX:
                self._lines.clear()
            self._lines[key] = line
        return line

    def keep_price(self, span: Span, key: int, price: Price) -> None:
        """Keep a finished price where its row is found; when too many are kept, forget them all and begin anew."""
        if self._prices_kept >= _PRICES_MAX:
            for priced in self._priced:
                priced.prices = None
            self._priced.clear()
            self._prices_kept = 0
        if span.prices is None:
            span.prices = {}
            self._priced.append(span)
        span.prices[key] = price
        self._prices_kept += 1
