"""What the worker knows of its customers: settings, plan, policy.

A bounded cache; Lua checks the version it was priced with.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from metering.contracts.entries import CustomerSettings
from metering.ledger.inputs import UNKNOWN, CustomerPolicy
from metering.ledger.live import BucketReader
from metering.rating import Catalog, Plan, parse_micros

CUSTOMERS_CACHED_MAX = 8_192
"""Customers of one bucket whose settings are kept, about 4 MB; on overflow all are dropped and read again."""


class Customer(Struct, frozen=True):
    """A customer as priced. `settings` None: unknown.

    `plan` None: its plan is not in the catalog (any more), or has another unit there than the customer's wallets.
    """

    settings: CustomerSettings | None
    policy: CustomerPolicy
    plan: Plan | None


NOBODY = Customer(None, UNKNOWN, None)


def policy_of(settings: CustomerSettings, plan: Plan | None) -> CustomerPolicy:
    """Return what Lua needs to know of a customer on `plan`."""
    if plan is None:
        return CustomerPolicy(settings.version)
    block_level = 0
    if plan.policy.block_level == "alert_level" and plan.alerts:
        # The lock is below the level: the smallest recharge lands exactly on it and must unlock (BM-15).
        block_level = plan.alerts[0].level_micros - 1
    return CustomerPolicy(settings.version, parse_micros(plan.policy.overdraft_limit), block_level)


class CustomerCache:
    """Customers of one bucket, read through `reader`, with their plans as `catalog` has them."""

    def __init__(self, reader: BucketReader, catalog: Catalog | None = None) -> None:
        self._reader = reader
        self._catalog = catalog
        self._known: dict[str, Customer] = {}

    def use(self, catalog: Catalog) -> None:
        """Go by this catalog from now on; plans and policies of another one are forgotten."""
        if catalog is not self._catalog:
            self._catalog = catalog
            self._known.clear()

    async def load(self, names: Iterable[str]) -> None:
        """Read those of `names` that are not known yet, in one call. Raises `Retryable`."""
        missing = [name for name in dict.fromkeys(names) if name not in self._known]
        if not missing:
            return
        if len(self._known) + len(missing) > CUSTOMERS_CACHED_MAX:
            self._known.clear()
            missing = list(dict.fromkeys([*missing, *names]))
        for name, settings in zip(missing, await self._reader.settings(missing), strict=True):
            if settings is None:
                self._known[name] = NOBODY
            else:
                plan = self._catalog.plans.get(settings.plan) if self._catalog is not None else None
                if plan is not None and plan.unit != settings.unit:
                    plan = None
                self._known[name] = Customer(settings, policy_of(settings, plan), plan)

    def get(self, name: str) -> Customer:
        """Return a customer that was loaded."""
        return self._known[name]

    def forget(self, name: str) -> None:
        """Drop one whose settings have changed."""
        self._known.pop(name, None)

    def forget_all(self) -> None:
        """Drop all: the bucket was claimed anew, or the catalog changed."""
        self._known.clear()
