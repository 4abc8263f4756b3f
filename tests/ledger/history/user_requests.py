"""Commands about users, as fields of a chunk's rows. Leaves other commands to `requests`."""

from __future__ import annotations

from typing import Any

from metering.ledger.codes import Op
from tests.ledger.history.plan_requests import allotment_terms_of
from tests.ledger_model import inputs as model
from tests.ledger_model.plan_state import Plan
from tests.ledger_model.user_inputs import CloseUser, PutUser, SetAllotment

USER_OPS: dict[type[model.Command], Op] = {
    PutUser: Op.PUT_USER,
    SetAllotment: Op.SET_ALLOTMENT,
    CloseUser: Op.CLOSE_USER,
}


def user_fields(given: PutUser | SetAllotment | CloseUser, plan: Plan | None) -> tuple[Any, ...]:
    """Return the fields of a command about a user of a customer on `plan`."""
    plan = plan or Plan("USD")
    rules = [
        [f"default-{number}" if number > 1 else "default", 0, level, rearm, 1, 0, 0, 0, ""]
        for number, (level, rearm) in enumerate(plan.user_rules, 1)
    ]
    names = ("role", "per_month", "total", "add")
    values = (getattr(given, name, None) for name in names)
    terms = allotment_terms_of(plan)
    return (given.user, *(False if v is None else v for v in values), terms, rules, int(plan.keeps_negative))
