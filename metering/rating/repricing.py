"""What customers would have paid for the same usage under other rates.

Leaves reading their usage to whoever keeps the ledger.
"""

from __future__ import annotations

import msgspec

from metering.rating.catalog import Catalog
from metering.rating.price import Price, PriceRequest


class Usage(msgspec.Struct, frozen=True):
    """One thing that a customer used, under the plan that the customer has."""

    customer: str
    plan: str
    request: PriceRequest


class Repriced(msgspec.Struct, kw_only=True):
    """One customer's usage under one plan, in micro-units of its unit; refused requests count nothing in the sums."""

    customer: str
    plan: str
    unit: str
    requests: int = 0
    old_micros: int = 0
    new_micros: int = 0
    old_refused: int = 0
    new_refused: int = 0

    @property
    def difference_micros(self) -> int:
        """What the new rates would have cost the customer more; less where it is negative."""
        return self.new_micros - self.old_micros


class Repricing:
    """Prices usage by both catalogs and adds up by customer and plan: it holds customers, not what they used.

    `shift_ms` moves the time at which the new rates are asked, for those that are not in force yet: usage of last
    week under the prices of next month. A plan that a catalog has not got refuses everything. Volume tiers and included
    quantities are left out on both sides.
    """

    def __init__(self, old: Catalog, new: Catalog, shift_ms: int = 0) -> None:
        self._old = old
        self._new = new
        self._shift_ms = shift_ms
        self._totals: dict[tuple[str, str], Repriced] = {}

    @property
    def totals(self) -> list[Repriced]:
        """The sums so far, in the order in which customers first occurred."""
        return list(self._totals.values())

    def add(self, used: Usage) -> None:
        """Price one thing by both, each at its own time."""
        plans = self._old.plans.get(used.plan), self._new.plans.get(used.plan)
        key = (used.customer, used.plan)
        total = self._totals.get(key)
        if total is None:
            unit = next((plan.unit for plan in plans if plan is not None), "")
            total = self._totals[key] = Repriced(customer=used.customer, plan=used.plan, unit=unit)
        total.requests += 1
        shifted = msgspec.structs.replace(used.request, at_ms=used.request.at_ms + self._shift_ms)
        before = plans[0].price(used.request) if plans[0] is not None else None
        after = plans[1].price(shifted) if plans[1] is not None else None
        if isinstance(before, Price):
            total.old_micros += before.amount_micros
        else:
            total.old_refused += 1
        if isinstance(after, Price):
            total.new_micros += after.amount_micros
        else:
            total.new_refused += 1
