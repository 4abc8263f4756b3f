"""What a plan charges by the month or cycle, as fields of commands: equipment, phone numbers.

Leaves when a fee falls due to the ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeAlias

from metering.contracts.commands import AddNumber
from metering.contracts.reasons import Reason
from metering.rating import Plan, PriceRequest, parse_micros
from metering.rating.price import Price, Refusal
from metering.rating.recurring import fees_due
from metering.worker.customers import Customer

CYCLE_MONTHS = {"monthly": 1, "yearly": 12, "none": 0}

Fee: TypeAlias = tuple[str, int, str, int]
"""Id (of a phone number: itself), micro-units, unit, months."""

REFUSALS = {"amount_too_large": Reason.AMOUNT_OUT_OF_RANGE, "invalid_number": Reason.INVALID_NUMBER}
"""Reasons for which a number has no price; any other is `unrated`."""


def fees_of(plan: Plan, equipment: Collection[str]) -> list[Fee]:
    """Return the fees of a customer with `equipment`.

    A plan without cycles charges by the month.
    """
    return [
        (fee.id, parse_micros(fee.price), fee.currency, _months(plan, fee.every))
        for fee in fees_due(plan.file, equipment)
    ]


def price_number(plan: Plan, number: str, number_type: str, at_ms: int) -> Price | Refusal:
    """Price a phone number for a month or cycle, by the `number_rental` row in force at `at_ms`."""
    return plan.price(PriceRequest(channel="number", to=(number,), sender_type=number_type or None, at_ms=at_ms))


def number_fee_of(plan: Plan, number: str, price: Price) -> Fee | None:
    """Return the fee of a number with that price; None where it costs nothing."""
    if price.amount_micros == 0:
        return None
    return (number, price.amount_micros, plan.unit, _months(plan, price.lines[0].per))


def number_fees_of(plan: Plan, numbers: Iterable[tuple[str, str]], at_ms: int) -> list[Fee]:
    """Return the fees of numbers, each with its type. One that the plan has no row for costs nothing."""
    fees = []
    for number, number_type in numbers:
        price = price_number(plan, number, number_type, at_ms)
        fee = number_fee_of(plan, number, price) if isinstance(price, Price) else None
        if fee is not None:
            fees.append(fee)
    return fees


def rental_of(command: AddNumber, customer: Customer, at_ms: int) -> Price | Reason:
    """Price the number of a command, or say why it has no price."""
    if customer.plan is None:
        return Reason.UNKNOWN_PLAN
    price = price_number(customer.plan, command.number, command.number_type or "", at_ms)
    return price if isinstance(price, Price) else REFUSALS.get(price.reason, Reason.UNRATED)


def _months(plan: Plan, every: str) -> int:
    return 1 if every == "month" else CYCLE_MONTHS[plan.file.cycle] or 1
