"""What is done to every wallet of a customer: to a bounded number with each entry. Leaves what that is to others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.ledger_model import changes
from tests.ledger_model.plan_state import Sweep
from tests.ledger_model.state import Customer

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket

WORK_MAX = 256
"""Wallets and lots that one entry goes through, besides `main`."""
PAUSE = 250

Act = Callable[[changes.Change], None]


def begin(bucket: Bucket, main: changes.Change, job: str, sweep: Sweep) -> list[changes.Change]:
    """With `main`, and from the first name on; the changes of further wallets."""
    ACTS[job](bucket, main.customer, sweep)(main)
    return go_on(bucket, main.customer, job, sweep)


def go_on(bucket: Bucket, customer: Customer, job: str, sweep: Sweep) -> list[changes.Change]:
    """The wallets after the one that it has come to; a timer goes on with what is left."""
    act = ACTS[job](bucket, customer, sweep)
    names = sorted(
        (name for name in customer.wallets if name != "main" and name.encode() > sweep.after.encode()), key=str.encode
    )
    changed, work = [], 0
    while names and work < WORK_MAX:
        sweep.after = names.pop(0)
        change = changes.begin(customer, customer.wallets[sweep.after])
        work += 1 + len(change.wallet.lots)
        act(change)
        if changes.lots_changed(change) or change.rules or change.wallet.balance != change.balance:
            changed.append(change)
    timer = f"s\0{customer.name}\0{job}"
    customer.sweeps.pop(job, None)
    bucket.timers.pop(timer, None)
    if names:
        sweep.due = bucket.clock + PAUSE
        customer.sweeps[job], bucket.timers[timer] = sweep, sweep.due
    return changed


def fall_due(bucket: Bucket, name: str, job: str, due: int) -> dict[str, Any] | None:
    """Timer: an entry of the same kind, with the next wallets."""
    customer = bucket.customers[name]
    sweep = customer.sweeps.get(job)
    if sweep is None or sweep.due != due:
        return None
    main = changes.begin(customer, customer.wallets["main"])
    others = go_on(bucket, customer, job, sweep)
    kind, reason = "settings_changed", None
    if job == "spam":
        kind, reason = "forfeited" if sweep.on else "given_back", "spam"
    return changes.finish(bucket, main, None, kind, *others, reason=reason, due_at=due)


ACTS: dict[str, Callable[[Bucket, Customer, Sweep], Act]] = {}
"""What is done to a wallet, by job."""
