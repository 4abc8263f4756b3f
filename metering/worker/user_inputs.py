"""Adds a command about a customer's users to a chunk: what the plan says of allotments becomes numbers.

Leaves what can be assigned to the ledger, and who may send it to the broker's ACLs and the API.
"""

from __future__ import annotations

from typing import Protocol

from metering.contracts.reasons import Reason
from metering.contracts.user_commands import CloseUser, PutUser, SetAllotment
from metering.ledger.codes import REASON_CODES, Op
from metering.rating import Plan, parse_micros
from metering.worker.customers import Customer

UserCommand = PutUser | SetAllotment | CloseUser
Field = int | str | bool | None


class Add(Protocol):
    """Adds the command to the chunk; `fields` in the order of `layout.Input` from position 8."""

    def __call__(self, op: Op, *fields: object) -> None:
        """Add a row."""


def add_user_command(add: Add, command: UserCommand, customer: Customer) -> None:
    """Add one command; `customer` is as it was read for the chunk."""
    plan = customer.plan
    if plan is None:
        add(Op.REFUSE_COMMAND, REASON_CODES[Reason.UNKNOWN_PLAN])
        return
    terms = allotment_terms(plan)
    match command:
        case PutUser():
            values = _or_false(command.role, command.per_month_micros, command.total_micros, None)
            add(Op.PUT_USER, command.user, *values, terms, user_rules_of(plan))
        case SetAllotment():
            values = _or_false(None, command.per_month_micros, command.total_micros, command.add_micros)
            add(Op.SET_ALLOTMENT, command.user, *values, terms)
        case CloseUser():
            keeps_negative = int(plan.policy.delete_negative_user == "refuse")
            add(Op.CLOSE_USER, command.user, *_or_false(None, None, None, None), terms, [], keeps_negative)


def allotment_terms(plan: Plan) -> tuple[str, str, str, int, int]:
    """Return what a plan says of allotments, as `ledger.allotment_codes.Allotments` has it."""
    policy = plan.policy
    reserve = policy.admin_reserve
    return (
        policy.total_cap_basis,
        policy.user_allotment_rollover,
        policy.allotment_raise_effect,
        parse_micros(reserve.amount),
        reserve.percent,
    )


def user_rules_of(plan: Plan) -> list[list[object]]:
    """Return the low-credit rules that judge the total of a new user, as `layout.Rule` has them.

    They are the plan's of scope `user`, but for those in percent: these go by what was bought for the pool.
    """
    rules: list[list[object]] = []
    for rule in plan.alerts:
        if rule.scope == "user" and not rule.percent:
            name = f"default-{len(rules) + 1}" if rules else "default"
            is_fixed = not rule.editable or not plan.policy.alert_level_editable
            rules.append([name, 0, rule.level_micros, rule.rearm_micros, int(rule.enabled), 0, 0, int(is_fixed), ""])
    return rules


def _or_false(*fields: Field) -> tuple[Field, ...]:
    """Return fields as Lua has them: false where none is given."""
    return tuple(False if field is None else field for field in fields)
