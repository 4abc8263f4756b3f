"""What the worker knows of its customers: settings, plan, policy.

A bounded cache; Lua checks the version it was priced with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from metering.contracts.entries import CustomerSettings
from metering.ledger.codes import Switch
from metering.ledger.entry_parts import CHANGEABLE, FIXED
from metering.ledger.gathering import UNKNOWN, CustomerPolicy
from metering.ledger.live import BucketReader
from metering.rating import Catalog, Plan, parse_micros
from metering.worker.sharing import CUSTOMERS_MAX

POLICIES_KEPT_MAX = 4_096
"""Plans are few, and versions of settings are small numbers: more than these would be somebody's test."""


class Customer(Struct, frozen=True, gc=False):
    """A customer as priced. `settings` None: unknown.

    `plan` None: its plan is not in the catalog (any more), or has another unit there than the customer's wallets.
    """

    settings: CustomerSettings | None
    policy: CustomerPolicy
    plan: Plan | None
    numbers: tuple[tuple[str, str], ...] = ()
    """Its phone numbers with their types: only where they were asked for."""
    is_plain: bool | None = None
    """Whether `plain_inputs` may add its events; None until it was asked."""


NOBODY = Customer(None, UNKNOWN, None)


def policy_of(settings: CustomerSettings, plan: Plan | None) -> CustomerPolicy:
    """Return what Lua needs to know of a customer on `plan`."""
    if plan is None:
        return CustomerPolicy(settings.version)
    return CustomerPolicy(settings.version, parse_micros(plan.policy.overdraft_limit), _switches(plan))


def _switches(plan: Plan) -> int:
    policy = plan.policy
    chosen = {
        Switch.ALL_FEATURES: policy.block_scope == "all_features",
        Switch.INBOUND_NEGATIVE: policy.inbound_chargeable_when_empty == "forward_into_negative",
        Switch.INBOUND_REFUSED: policy.inbound_chargeable_when_empty == "refuse",
        Switch.SEND_UNTIL_FLAG: policy.scheduled_shortfall == "send_until_flag",
        Switch.CALL_PART: policy.call_grant == "covered_part",
        Switch.REFUSES_DRAFTS: policy.insufficient_at_create == "refuse",
        Switch.COVERED_PART: policy.broadcast_grant == "covered_part",
    }
    return sum(switch for switch, is_on in chosen.items() if is_on)


def rules_of(plan: Plan, *, is_main: bool = True) -> list[list[object]]:
    """Return the alert rules that a new wallet of a customer on `plan` is given, as `layout.Rule` has them.

    The first locks the wallet below its level where the plan says so. One of scope `user` watches the wallet as well,
    until that user has a total of their own; one of scope `customer` watches `main` alone, the customer's pool.
    """
    policy, rules = plan.policy, list[list[object]]()
    for number, rule in enumerate(plan.alerts, 1):
        if rule.scope == "customer" and not is_main:
            continue
        name = "default" if number == 1 else f"default-{number}"
        locks = number == 1 and policy.block_level == "alert_level"
        is_fixed = not rule.editable or not policy.alert_level_editable
        level, rearm = (0, 1) if rule.percent else (rule.level_micros, rule.rearm_micros)
        rules.append(
            [
                name,
                0,
                level,
                rearm,
                int(rule.enabled),
                rule.percent or 0,
                int(locks),
                FIXED if is_fixed else CHANGEABLE,
                "",
            ]
        )
    return rules


class CustomerCache:
    """Customers of one bucket, read through `reader`, with their plans as `catalog` has them.

    Those of the last chunks in one table, those of before in another: when the first has half of what may be kept, it
    takes the other's place. So whoever is met again stays, where dropping all would mean to read all again.
    """

    def __init__(
        self, reader: BucketReader, catalog: Catalog | None = None, most: Callable[[], int] = lambda: CUSTOMERS_MAX
    ) -> None:
        """Begin with none. `most` says how many may be kept, in a worker by how many buckets it has."""
        self._reader = reader
        self._catalog = catalog
        self._most = most
        self._known: dict[str, Customer] = {}
        self._before: dict[str, Customer] = {}
        self._policies: dict[tuple[str, int], CustomerPolicy] = {}
        """By plan and version of the settings: what Lua needs to know depends on no more."""

    def __len__(self) -> int:
        return len(self._known) + len(self._before)

    def use(self, catalog: Catalog) -> None:
        """Go by this catalog from now on; plans and policies of another one are forgotten."""
        if catalog is not self._catalog:
            self._catalog = catalog
            self.forget_all()
            self._policies.clear()

    async def load(self, names: Iterable[str]) -> None:
        """Read those of `names` that are not known yet, in one call. Raises `Retryable`."""
        wanted, known = dict.fromkeys(names), self._known
        new = [name for name in wanted if name not in known]
        if not new:
            return
        older = before = self._before
        if len(known) + len(new) > self._most() // 2:
            self._before, self._known = known, {}
            before, known, new = known, self._known, list(wanted)
        missing: list[str] = []
        for name in new:
            customer = before.get(name) or older.get(name)
            if customer is None:
                missing.append(name)
            else:
                known[name] = customer
        if missing:
            for name, settings in zip(missing, await self._reader.settings(missing), strict=True):
                known[name] = NOBODY if settings is None else self._make(settings)

    def _make(self, settings: CustomerSettings) -> Customer:
        plan = self._catalog.plans.get(settings.plan) if self._catalog is not None else None
        if plan is None or plan.unit != settings.unit:
            return Customer(settings, policy_of(settings, None), None)
        key = (settings.plan, settings.version)
        policy = self._policies.get(key)
        if policy is None:
            policy = policy_of(settings, plan)
            if len(self._policies) < POLICIES_KEPT_MAX:
                self._policies[key] = policy
        return Customer(settings, policy, plan)

    async def load_numbers(self, names: Iterable[str]) -> None:
        """Read the phone numbers of customers that were loaded: they are not kept. Raises `Retryable`."""
        for name in names:
            self._known[name] = replace(self._known[name], numbers=await self._reader.numbers(name))

    @property
    def loaded(self) -> Mapping[str, Customer]:
        """The customers of the last `load` and some of before, by name, until the next."""
        return self._known

    def forget(self, name: str) -> None:
        """Drop one whose settings have changed."""
        self._known.pop(name, None)
        self._before.pop(name, None)

    def forget_all(self) -> None:
        """Drop all: the bucket was claimed anew, or the catalog changed."""
        self._known.clear()
        self._before.clear()
