"""Phone numbers and what they cost. Leaves when a fee falls due to `fees`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.ledger_model import changes, fees
from tests.ledger_model.inputs import Command
from tests.ledger_model.number_inputs import AddNumber, RemoveNumber
from tests.ledger_model.plan_state import Cycle, Plan
from tests.ledger_model.state import Customer

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket

NUMBERS_MAX = 256


def add(bucket: Bucket, customer: Customer, given: AddNumber) -> dict[str, Any]:
    """Refused `unrated` (no rate for it, not even 0), `already`, `too_many`. Due from the next beginning on:
    `settings_changed`.
    """
    plan = bucket.plan_of(customer)
    if given.type not in plan.numbers:
        return bucket.entry(given, "refused", reason="unrated")
    if given.number in customer.numbers:
        return bucket.entry(given, "refused", reason="already")
    if len(customer.numbers) >= NUMBERS_MAX:
        return bucket.entry(given, "refused", reason="too_many")
    change = changes.begin(customer, customer.wallets["main"])
    customer.numbers[given.number] = given.type
    put_fee(bucket, customer, plan, customer.cycle, given.number)
    return changes.finish(bucket, change, given, "settings_changed")


def remove(bucket: Bucket, customer: Customer, given: RemoveNumber) -> dict[str, Any]:
    """Refused `unknown_number`. No more fees for it: `settings_changed`."""
    if given.number not in customer.numbers:
        return bucket.entry(given, "refused", reason="unknown_number")
    change = changes.begin(customer, customer.wallets["main"])
    del customer.numbers[given.number]
    drop_fee(bucket, customer, given.number)
    return changes.finish(bucket, change, given, "settings_changed")


def put_fees(bucket: Bucket, customer: Customer, plan: Plan, cycle: Cycle | None) -> None:
    """Every number costs what the plan says; nothing where the plan is cancelled or has no rate above 0.

    One that goes on with the same months keeps its turn.
    """
    for number in customer.numbers:
        put_fee(bucket, customer, plan, cycle, number)


def put_fee(bucket: Bucket, customer: Customer, plan: Plan, cycle: Cycle | None, number: str) -> None:
    """What one number costs; those that are there stay as they are, in the time zone in which they began."""
    rate = plan.numbers.get(customer.numbers[number])
    if (cycle is not None and cycle.cancelled) or rate is None or rate.amount == 0:
        drop_fee(bucket, customer, number)
    else:
        fees.put(bucket, customer, number, replace(rate, of="number"), cycle)


def drop_fee(bucket: Bucket, customer: Customer, number: str) -> None:
    """No fee for it any more."""
    customer.fees.pop(number, None)
    bucket.timers.pop(fees.timer_name(customer.name, number), None)


def fees_of(customer: Customer) -> int:
    """What all numbers cost in one cycle of the plan."""
    found = [customer.fees[number] for number in customer.numbers if number in customer.fees]
    return sum(fee.amount * max(customer.cycle_months // fee.months, 1) for fee in found)


RULES: dict[type[Command], Callable[[Bucket, Customer, Any], dict[str, Any]]] = {AddNumber: add, RemoveNumber: remove}
