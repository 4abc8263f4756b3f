"""The rules of `rates check` that look at good rows side by side: gaps, overlaps, jumps, shadows, countries.

Leaves ties, which are errors, to `groups`, and places in files to `check`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise

import msgspec
import phonenumbers

from metering.rating.groups import RateKey
from metering.rating.money import format_micros
from metering.rating.problems import Rule
from metering.rating.rows import Row
from metering.rating.times import END_MS, format_instant

_DIGITS = "0123456789"
# Codes that phonenumbers does not list as regions of their own, but price lists do.
_MORE_COUNTRIES = frozenset(("001", "AN"))


class Finding(msgspec.Struct, frozen=True):
    """A warning about `row`, at its field `column`."""

    row: Row
    column: str
    rule: Rule
    message: str


def find_in_rows(groups: Mapping[RateKey, Sequence[Row]], moved_percent: int) -> Iterator[Finding]:
    """Yield what is legal in these rows, but probably not meant."""
    for group in groups.values():
        for row in group:
            yield from _find_in_row(row)
        yield from _find_in_time(group, moved_percent)
    yield from _find_shadowed(groups)


def _find_in_row(row: Row) -> Iterator[Finding]:
    country = row.country
    if country and country not in phonenumbers.SUPPORTED_REGIONS and country not in _MORE_COUNTRIES:
        yield Finding(row, "country", "unknown_country", f"{country} is no country with a calling code")
    if row.prefix:
        regions = calling_code_regions(row.prefix)
        if not regions:
            yield Finding(row, "prefix", "unknown_prefix", f"{row.prefix} begins with no country calling code")
        elif country and country not in regions and country in phonenumbers.SUPPORTED_REGIONS:
            message = f"{row.prefix} belongs to {', '.join(regions[:3])}, the row says {country}"
            yield Finding(row, "country", "wrong_country", message)
    terms = row.terms
    free = row.price_micros == 0 and terms.connect_fee_micros == 0 and terms.minimum_micros == 0
    charged = terms.charge == "rate" and terms.channel != "conversation" and terms.direction != "inbound"
    if free and charged and not terms.reject:
        yield Finding(row, "price", "zero_price", "costs nothing; a destination that is not served is rejected instead")


@cache
def calling_code_regions(prefix: str) -> tuple[str, ...]:
    """Return the regions of the calling code that `+digits` begins with, or that begin with it; empty for none."""
    digits = prefix[1:]
    for length in (1, 2, 3):
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length]))
        if regions:
            return tuple(regions)
    if len(digits) < 3:  # noqa: PLR2004  calling codes have at most three digits
        codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
        return tuple(region for code, regions in codes if str(code).startswith(digits) for region in regions)
    return ()


def _find_in_time(group: Sequence[Row], moved_percent: int) -> Iterator[Finding]:
    by_band: defaultdict[object, list[Row]] = defaultdict(list)
    for row in group:
        band = row.terms.band
        by_band[band.spans if band else None].append(row)
    for rows in by_band.values():
        for row, later in pairwise(rows):
            if row.terms.to_ms < later.terms.from_ms:
                span = f"{format_instant(row.terms.to_ms)} to {format_instant(later.terms.from_ms)}"
                yield Finding(later, "effective_from", "gap", f"nothing is in force from {span}")
            elif later.terms.from_ms < row.terms.to_ms != END_MS:
                message = f"begins before line {row.line} ends; the later one is used"
                yield Finding(later, "effective_from", "overlap", message)
            before, after = row.price_micros, later.price_micros
            if not row.terms.reject and not later.terms.reject and abs(after - before) * 100 > before * moved_percent:
                message = f"moves from {format_micros(before)} to {format_micros(after)}, more than {moved_percent} %"
                yield Finding(later, "price", "moved", message)
        if rows[-1].terms.to_ms != END_MS:
            message = f"ends {format_instant(rows[-1].terms.to_ms)} and nothing follows"
            yield Finding(rows[-1], "effective_to", "ends", message)


def _find_shadowed(groups: Mapping[RateKey, Sequence[Row]]) -> Iterator[Finding]:
    """Find prefixes all of whose numbers have a longer row: whatever they say is never used."""
    by_scope: defaultdict[tuple[object, ...], dict[str, Sequence[Row]]] = defaultdict(dict)
    for (*scope, prefix, mcc_mnc), rows in groups.items():
        if mcc_mnc is None:
            by_scope[tuple(scope)][prefix] = rows
    for rates in by_scope.values():
        # Deepest first: a prefix is covered by a lasting row of its own or by its ten children.
        covered = {prefix for prefix, rows in rates.items() if _is_lasting(rows)}
        shadowed: list[str] = []
        parents = {prefix[:-1] for prefix in covered if len(prefix) > 1}
        for parent in sorted(parents | _ancestors(parents), key=len, reverse=True):
            # No number begins with 0, so nine digits cover "+", under which the row for any number stands.
            if all(parent + digit in covered for digit in _DIGITS[parent == "+" :]):
                covered.add(parent)
                own = parent if parent != "+" else ""
                if own in rates:
                    shadowed.append(own)
        for prefix in sorted(shadowed):
            for row in rates[prefix]:
                message = f"every number under {prefix or '*'} has a longer row"
                yield Finding(row, "prefix", "shadowed", message)


def _ancestors(prefixes: set[str]) -> set[str]:
    return {prefix[:length] for prefix in prefixes for length in range(1, len(prefix))}


def _is_lasting(rows: Sequence[Row]) -> bool:
    """Say whether the rows leave no instant after their first date without one of them."""
    reach: int | None = None
    for row in rows:
        if row.terms.band is None and (reach is None or row.terms.from_ms <= reach):
            reach = max(reach or row.terms.to_ms, row.terms.to_ms)
    return reach == END_MS
