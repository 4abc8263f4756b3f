"""What customers would have paid for the same usage under other rates.

Leaves reading their usage to whoever keeps the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from metering.rating.catalog import Catalog
from metering.rating.price import Price, PriceRequest


class Usage(msgspec.Struct, frozen=True):
    """One thing that a customer used, under the plan that the customer had."""

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


def reprice(old: Catalog, new: Catalog, usage: Iterable[Usage], shift_ms: int = 0) -> list[Repriced]:
    """Price every request by both catalogs and add up, by customer and plan, in the order they first occur.

    `shift_ms` moves the time at which the new rates are asked, for those that are not in force yet: usage of last
    week under the prices of next month. A plan that a catalog has not got refuses everything.
    """
    found: dict[tuple[str, str], Repriced] = {}
    for used in usage:
        plans = old.plans.get(used.plan), new.plans.get(used.plan)
        unit = next((plan.unit for plan in plans if plan is not None), "")
        key = (used.customer, used.plan)
        total = found.setdefault(key, Repriced(customer=used.customer, plan=used.plan, unit=unit))
        total.requests += 1
        shifted = msgspec.structs.replace(used.request, at_ms=used.request.at_ms + shift_ms)
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
    return list(found.values())
