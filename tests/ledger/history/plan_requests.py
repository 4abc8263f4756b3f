"""What a plan says, as fields of commands. Leaves other commands to `requests`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from metering.ledger.plan_codes import OnPlanChange
from tests.ledger_model import inputs as model
from tests.ledger_model.number_inputs import AddNumber
from tests.ledger_model.plan_state import Plan


def cycle_of(plan: Plan) -> tuple[int, int, str, int]:
    """Return what a plan says of cycles: months, grant, its kind, lead time of notices."""
    return (plan.cycle_months, plan.grant, plan.grant_kind, plan.notice)


def fees_of(plan: Plan, equipment: Collection[str]) -> list[tuple[str, int, str, int]]:
    """Return the fees of a customer with `equipment`."""
    return [(name, fee.amount, fee.unit, fee.months) for name, fee in plan.fees.items() if name in equipment]


@dataclass(frozen=True)
class Has:
    """What a customer has besides its plan."""

    equipment: tuple[str, ...] = ()
    numbers: tuple[tuple[str, str], ...] = ()


def plan_change_of(plan: Plan, name: str, has: Has) -> tuple[Any, ...]:
    """Return the fields of `set_plan` to `plan`, whose name that is."""
    how = OnPlanChange[plan.on_change.upper()].value
    found = [(number, plan.numbers[sort]) for number, sort in has.numbers if sort in plan.numbers]
    numbers = [(number, fee.amount, fee.unit, fee.months) for number, fee in found if fee.amount > 0]
    rules, terms = (rules_of(plan), rules_of(plan)), allotment_terms_of(plan)
    return (name, plan.unit, *cycle_of(plan), how, fees_of(plan, has.equipment), numbers, terms, *rules)


def allotment_terms_of(plan: Plan) -> tuple[str, str, str, int, int]:
    """Return what a plan says of allotments."""
    return (plan.cap_basis, plan.rollover, plan.raise_effect, plan.reserve, plan.reserve_percent)


def number_fee_of(plan: Plan | None, given: AddNumber) -> tuple[str, int, str, int] | Literal[False]:
    """Return the fee of a number that comes; false where it costs nothing."""
    fee = plan.numbers[given.type] if plan else None
    return (given.number, fee.amount, fee.unit, fee.months) if fee and fee.amount > 0 else False


def options_of(given: model.SetOptions, plan: Plan) -> tuple[Any, ...]:
    """Return the fields of `set_options`."""
    equipment: list[str] | Literal[False] = False if given.equipment is None else sorted(set(given.equipment))
    return (
        False if given.rop is None else int(given.rop),
        given.time_zone or False,
        given.country or False,
        equipment,
        fees_of(plan, equipment or ()),
        int(plan.rop_covers_all),
        int(plan.rop_resumes),
    )


def rules_of(plan: Plan) -> list[list[Any]]:
    """Return the alert rules that a plan gives a wallet."""
    if plan.alert is None:
        return []
    return [["default", 0, *plan.alert, int(plan.alert_enabled), 0, int(plan.locks), 1 if plan.fixed else 2, ""]]


def topping_of(given: model.TopUp, plan: Plan | None) -> tuple[Any, ...]:
    """Return the fields of `top_up` by a customer on `plan`."""
    notice = plan.notice if plan else 0
    return (given.amount, given.unit, given.lot_kind, given.expires_at or 0, int(given.transferable), notice)
