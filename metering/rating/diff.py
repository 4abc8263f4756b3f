"""What changes for destinations between two versions of the rates.

Leaves what customers would have paid to whoever has their usage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from metering.rating.catalog import Catalog
from metering.rating.index import Cell, Table
from metering.rating.money import format_micros
from metering.rating.plan import Plan
from metering.rating.rows import Row
from metering.rating.times import BEGINNING_MS, END_MS, format_instant

ChangeKind = Literal["added", "removed", "changed"]

# Beside its price everything of a row that a bill can show; a row that moved within its file has not changed.
_TERMS = (
    "per", "first", "next", "connect_fee_micros", "minimum_micros", "charge_on", "failed_fee_micros",
    "segmenting", "reject",
)  # fmt: skip
Offer = tuple[Row, ...]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """From `from_ms` on, numbers under a prefix (or on a network) are priced otherwise than before.

    `old` and `new` are the rows in force, best first (several where time bands decide); empty means unrated.
    """

    plan: str
    charge: str
    channel: str
    direction: str
    sender_type: str | None
    conversation_class: str | None
    prefix: str
    mcc_mnc: str | None
    destination: str
    country: str
    from_ms: int
    old: Offer
    new: Offer

    @property
    def kind(self) -> ChangeKind:
        """Whether the destination is new, gone, or priced otherwise."""
        if not self.old:
            return "added"
        return "changed" if self.new else "removed"

    def __str__(self) -> str:
        where = f"network {self.mcc_mnc}" if self.mcc_mnc else self.prefix
        what = " ".join(
            part for part in (self.channel, self.direction, self.sender_type, self.conversation_class) if part
        )
        charge = "" if self.charge == "rate" else f"{self.charge} "
        since = "" if self.from_ms == BEGINNING_MS else f" from {format_instant(self.from_ms)}"
        prices = f"{describe_offer(self.old)} -> {describe_offer(self.new)}"
        return f"{self.plan}: {charge}{what} {where} ({self.destination or self.country}): {prices}{since}"


def describe_offer(offer: Offer) -> str:
    """Write what a destination costs in a few words."""
    if not offer:
        return "unrated"
    row = offer[0]
    if row.terms.reject:
        return "rejected"
    band = f" ({len(offer)} time bands)" if len(offer) > 1 else ""
    return f"{format_micros(row.price_micros)} per {row.terms.per}{band}"


def diff(old: Catalog, new: Catalog) -> list[Change]:
    """List, plan by plan and destination by destination, what is priced otherwise, and from when.

    A prefix counts as changed when its numbers are, even if the row that prices them belongs to a shorter one. A plan
    that only one catalog has is compared with an empty one.
    """
    changes: list[Change] = []
    for name in sorted({*old.plans, *new.plans}):
        changes += _diff_plans(name, old.plans.get(name), new.plans.get(name))
    return changes


def _diff_plans(name: str, old: Plan | None, new: Plan | None) -> Iterator[Change]:
    scopes = sorted({*_scopes(old), *_scopes(new)}, key=lambda scope: tuple(part or "" for part in scope))
    for scope in scopes:
        charge, channel, direction, sender_type, conversation_class = scope
        before_table, after_table = (
            plan.book.index(charge, channel, direction).table(sender_type, conversation_class) if plan else Table(())
            for plan in (old, new)
        )
        for prefix, mcc_mnc in _destinations(before_table, after_table, sender_type, conversation_class):
            for from_ms, before, after in _compare(before_table, after_table, prefix, mcc_mnc):
                named = (*after, *before)[0]
                yield Change(
                    plan=name,
                    charge=charge,
                    channel=channel,
                    direction=direction,
                    sender_type=sender_type,
                    conversation_class=conversation_class,
                    prefix=prefix or "*",
                    mcc_mnc=mcc_mnc,
                    destination=named.destination,
                    country=named.country,
                    from_ms=from_ms,
                    old=before,
                    new=after,
                )


_Scope = tuple[str, str, str, str | None, str | None]


def _scopes(plan: Plan | None) -> set[_Scope]:
    rows = plan.book.rows if plan else ()
    terms = (row.terms for row in rows)
    return {(its.charge, its.channel, its.direction, its.sender_type, its.conversation_class) for its in terms}


def _destinations(
    old: Table, new: Table, sender_type: str | None, conversation_class: str | None
) -> list[tuple[str, str | None]]:
    """Return every prefix and network for which either side has a row of exactly this sender type and class."""
    found: set[tuple[str, str | None]] = set()
    for table in (old, new):
        for cells in (table.cells, table.networks):
            for key in cells:
                found |= {
                    (row.prefix, row.mcc_mnc)
                    for row in cells.rows(key)
                    if row.terms.sender_type == sender_type and row.terms.conversation_class == conversation_class
                }
    return sorted(found, key=lambda place: (place[1] or "", place[0]))


def _compare(old: Table, new: Table, prefix: str, mcc_mnc: str | None) -> Iterator[tuple[int, Offer, Offer]]:
    """Yield (from_ms, before, after) whenever the two sides begin to differ, or to differ otherwise."""
    cells = [[*_cells(table, prefix, mcc_mnc)] for table in (old, new)]
    its_terms = [row.terms for side in cells for cell in side for row in cell.rows]
    edges = {edge for its in its_terms for edge in (its.from_ms, its.to_ms)}
    last: tuple[object, object] | None = None
    for edge in sorted({BEGINNING_MS, *edges} - {END_MS}):
        before, after = (_offer(side, prefix, edge) for side in cells)
        terms = (_terms(before), _terms(after))
        if terms[0] != terms[1] and terms != last:
            yield edge, before, after
        last = terms


def _cells(table: Table, prefix: str, mcc_mnc: str | None) -> Iterator[Cell]:
    if mcc_mnc is not None:
        for network in dict.fromkeys((mcc_mnc, mcc_mnc[:3])):
            cell = table.networks.cell(network)
            if cell is not None:
                yield cell
    for length in range(len(prefix), -1, -1):
        cell = table.cells.cell(prefix[:length])
        if cell is not None:
            yield cell


def _offer(cells: Sequence[Cell], prefix: str, at_ms: int) -> Offer:
    """Return the rows that can price a number under `prefix` on that date: down to the first without a band."""
    offer = []
    for cell in cells:
        for row in cell.rows:
            if prefix.startswith(row.prefix) and row.terms.from_ms <= at_ms < row.terms.to_ms:
                offer.append(row)
                if row.terms.band is None:
                    return tuple(offer)
    return tuple(offer)


def _terms(offer: Offer) -> object:
    return tuple(
        (row.price_micros, *(getattr(row.terms, name) for name in _TERMS), row.terms.band and row.terms.band.spans)
        for row in offer
    )


def summarise(changes: Sequence[Change]) -> Mapping[str, int]:
    """Count the changes of each kind."""
    counts = {"added": 0, "removed": 0, "changed": 0}
    for change in changes:
        counts[change.kind] += 1
    return counts
