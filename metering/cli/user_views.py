"""A customer's users and what they may spend, worded for people. Leaves the figures to `ledger`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from metering.cli.output import format_amount, format_table
from metering.contracts.allotments import Assignable
from metering.contracts.states import State, UserRole
from metering.ledger.assignable import AssignableFigures

SHARED = "shared"


class UserView(Struct, frozen=True):
    """One user. Amounts in micro-units; None where the user draws on the whole pool."""

    user: str
    role: UserRole
    allotment: Literal["shared", "own"]
    """`shared`: owners and admins, who draw on the whole company pool."""
    per_month_micros: int | None
    total_micros: int | None
    """What the user may spend now; negative where more was spent than there was."""
    used_micros: int | None
    """Since the month began."""
    held_micros: int | None
    blocked: bool
    assignable: Assignable | None
    """The greatest values that the user can be given."""


def view_users(states: Iterable[State], company_total_micros: int) -> tuple[tuple[UserView, ...], Assignable | None]:
    """Return a customer's users by name, and what can be assigned to one more; None where no user has an allotment."""
    figures = AssignableFigures(states, company_total_micros)
    return tuple(_view(figures, name) for name in sorted(figures.users)), figures.assignable()


def describe_users(users: Iterable[UserView], assignable: Assignable | None) -> Iterator[str]:
    """Yield the users as text; nothing where there are none."""
    rows = [
        (user.user, user.role, _amount(user.per_month_micros), _amount(user.total_micros), _state(user))
        for user in users
    ]
    if rows:
        yield format_table(("user", "role", "per month", "total", "state"), rows, right=(2, 3))
    if assignable is not None:
        per_month, total, pool = (
            format_amount(micros)
            for micros in (
                assignable.max_per_month_micros,
                assignable.max_total_micros,
                assignable.company_total_micros,
            )
        )
        yield f"company total {pool}; a further user can be assigned {per_month} per month, {total} in all"
        if assignable.over_assigned_micros:
            yield f"OVER-ASSIGNED: the plan falls short by {format_amount(assignable.over_assigned_micros)} per month"


def _view(figures: AssignableFigures, name: str) -> UserView:
    user, limit = figures.users[name], figures.limits.get(name)
    return UserView(
        name,
        user.role,
        "shared" if limit is None else "own",
        None if limit is None else user.per_month_micros,
        figures.total_of(name),
        None if limit is None else limit.used_micros,
        None if limit is None else limit.held_micros,
        limit is not None and bool(limit.blocked),
        None if limit is None else figures.assignable(name),
    )


def _amount(micros: int | None) -> str:
    return SHARED if micros is None else format_amount(micros)


def _state(user: UserView) -> str:
    return "BLOCKED" if user.blocked else ""
