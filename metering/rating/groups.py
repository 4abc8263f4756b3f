"""Rows that are the same rate at different times, and rows between which nothing decides.

Leaves reporting them to `catalog` and `check`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from metering.rating.rows import Row

# Everything a row is chosen by, except its dates and its time band.
RateKey = tuple[str, str, str, str | None, str | None, str, str | None]


def rate_key(row: Row) -> RateKey:
    """Name what a row prices: rows with equal keys differ only in time band and dates."""
    terms = row.terms
    return (
        terms.charge,
        terms.channel,
        terms.direction,
        terms.sender_type,
        terms.conversation_class,
        row.prefix,
        row.mcc_mnc,
    )


def group_rates(rows: Iterable[Row]) -> dict[RateKey, tuple[Row, ...]]:
    """Collect the rows of each key, earliest effective date first."""
    # Tuples, which the collector drops from its rounds, where a list for each key would stay in them.
    groups: dict[RateKey, tuple[Row, ...]] = {}
    for row in rows:
        key = rate_key(row)
        group = groups.get(key)
        groups[key] = (row,) if group is None else tuple(sorted((*group, row), key=_by_date))
    return groups


def _by_date(row: Row) -> int:
    return row.terms.from_ms


def find_ties(groups: Mapping[RateKey, Sequence[Row]]) -> Iterator[tuple[Row, Row]]:
    """Yield pairs (first in the table, other) of one key and effective date of which no rule prefers one.

    Two rows with time bands tie only where the bands meet; a row with a band never ties with one without.
    """
    for group in groups.values():
        if len(group) == 1:
            continue
        same_date: defaultdict[int, list[Row]] = defaultdict(list)
        for row in group:
            same_date[row.terms.from_ms].append(row)
        for rows in same_date.values():
            for index, row in enumerate(rows):
                for earlier in rows[:index]:
                    if _meet(earlier, row):
                        yield earlier, row


def _meet(row: Row, other: Row) -> bool:
    band, others = row.terms.band, other.terms.band
    return band is others if band is None or others is None else band.meets(others)


def map_following(groups: Mapping[RateKey, Sequence[Row]]) -> dict[int, Row]:
    """Map a row's number to the row of the same key and band that comes into force next after it."""
    following: dict[int, Row] = {}
    for group in groups.values():
        if len(group) == 1:
            continue
        by_band: defaultdict[object, list[Row]] = defaultdict(list)
        for row in group:
            band = row.terms.band
            by_band[band.spans if band else None].append(row)
        for rows in by_band.values():
            following.update({row.number: later for row, later in pairwise(rows)})
    return following
