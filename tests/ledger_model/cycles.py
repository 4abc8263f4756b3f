"""Cycles: what the plan grants, and when. Leaves changes of plan to `plans`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ledger_model import changes, lots
from tests.ledger_model.anniversaries import month_at
from tests.ledger_model.plan_state import Cycle, Plan
from tests.ledger_model.state import Customer

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket


def timer_name(customer: str) -> str:
    """`y` + customer."""
    return f"y\0{customer}"


def set_timer(bucket: Bucket, customer: Customer) -> None:
    """When the next grant is due."""
    bucket.timers.pop(timer_name(customer.name), None)
    if customer.cycle is not None and customer.cycle.next_at:
        bucket.timers[timer_name(customer.name)] = customer.cycle.next_at


def first(bucket: Bucket, customer: Customer, plan: Plan) -> None:
    """The first grant of a customer that is opened is due at once."""
    if plan.grant > 0:
        customer.cycle = Cycle(
            plan.cycle_months, plan.grant, plan.grant_kind, plan.notice, next_at=bucket.clock, next_amount=plan.grant
        )
        customer.cycle.runs = [(0, plan.cycle_months)]
        set_timer(bucket, customer)


def begin(bucket: Bucket, name: str, due: int) -> dict[str, Any] | None:
    """A cycle begins: entry `granted`, a lot that lapses at its end unless it is no `nro` or rollover is protected."""
    customer = bucket.customers[name]
    cycle = customer.cycle
    if cycle is None or cycle.next_at != due:
        return None
    cycle.starts_at = month_at(customer, cycle.next_month)
    cycle.ends_at = month_at(customer, cycle.next_month + cycle.months) if cycle.months else 0
    amount = cycle.next_amount
    cycle.next_at, cycle.next_amount = cycle.ends_at, cycle.grant
    cycle.next_month += cycle.months
    change = changes.begin(customer, customer.wallets["main"])
    reason = None
    if changes.out_of_range(change.wallet, amount):
        amount, reason = 0, "amount_out_of_range"
    expires_at = cycle.ends_at if cycle.kind == "nro" and not customer.rop else 0
    notice_at = lots.notice_for(expires_at or None, cycle.notice, bucket.clock)
    lots.add_credit(bucket, change.wallet, amount, cycle.kind, expires_at or None, notice_at=notice_at)
    set_timer(bucket, customer)
    return changes.finish(bucket, change, None, "granted", reason=reason, due_at=due)
