"""Fees by months. Leaves what a customer has to `plans`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.ledger_model import changes, credit
from tests.ledger_model.anniversaries import month_at, months_passed
from tests.ledger_model.plan_state import Cycle, Fee
from tests.ledger_model.state import Customer

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket


KINDS = {"equipment": "recurring_fee", "number": "number_fee"}


def timer_name(customer: str, fee: str) -> str:
    """`z` + customer + fee."""
    return f"z\0{customer}\0{fee}"


def take(bucket: Bucket, customer: Customer, cycle: Cycle, wanted: dict[str, Fee]) -> None:
    """Have these fees and no others: due at the next beginning of their months; one with the same keeps its turn."""
    for name in cycle.fees:
        if name not in wanted:
            del customer.fees[name]
            bucket.timers.pop(timer_name(customer.name, name), None)
    for name, fee in wanted.items():
        put(bucket, customer, name, fee, cycle)
    cycle.fees = list(wanted)


def put(bucket: Bucket, customer: Customer, name: str, fee: Fee, cycle: Cycle | None) -> None:
    """Take a fee on, or change it: it is due at the next beginning of its months, or keeps its turn. Months are counted
    from the beginnings of cycles.
    """
    known = customer.fees.get(name)
    if known is not None and known.months == fee.months:
        month = known.due_month
    else:
        month = 0 if cycle is None else cycle.next_month
        month += ((months_passed(customer, bucket.clock) - month) // fee.months + 1) * fee.months
    customer.fees[name] = replace(fee, due_month=month, due_at=month_at(customer, month))
    bucket.timers[timer_name(customer.name, name)] = customer.fees[name].due_at


def fall_due(bucket: Bucket, name: str, fee_id: str, due: int) -> dict[str, Any] | None:
    """Entry `recurring_fee` or `number_fee`: debited, below zero if need be; nothing in another unit."""
    customer = bucket.customers[name]
    fee = customer.fees.get(fee_id)
    if fee is None or fee.due_at != due:
        return None
    change = changes.begin(customer, customer.wallets["main"])
    reason = None
    if fee.unit == change.wallet.unit:
        if changes.out_of_range(change.wallet, -fee.amount):
            reason = "amount_out_of_range"
        else:
            reason = "overdrawn" if fee.amount > change.wallet.available else None
            credit.debit(change.wallet, fee.amount)
    fee.due_month += fee.months
    fee.due_at = month_at(customer, fee.due_month)
    bucket.timers[timer_name(name, fee_id)] = fee.due_at
    return changes.finish(bucket, change, None, KINDS[fee.of], reason=reason, due_at=due)
