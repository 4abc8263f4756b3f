"""What can be assigned to a customer's users, from live records, for people. Leaves deciding to Lua, by the same rules.

Never writes; what it tells may be a moment old.
"""

from __future__ import annotations

from collections.abc import Iterable

from metering.contracts.allotments import Assignable
from metering.contracts.fields import MICROS_LIMIT
from metering.contracts.states import AllotmentsState, CycleState, LimitState, NumbersState, State, UserState


class AssignableFigures:
    """The figures of one customer. `company_total_micros` is what is available in the company pool."""

    def __init__(self, states: Iterable[State], company_total_micros: int) -> None:
        known = list(states)
        self.pool = company_total_micros
        self.users = {state.id: state for state in known if isinstance(state, UserState)}
        self.limits = {
            state.name: state for state in known if isinstance(state, LimitState) and state.window == "allotment"
        }
        self.terms = next((state for state in known if isinstance(state, AllotmentsState)), None)
        self._cycle = next((state for state in known if isinstance(state, CycleState)), None)
        self._numbers = next((state for state in known if isinstance(state, NumbersState)), None)

    def total_of(self, user: str) -> int | None:
        """Return what a user may spend now; None for a shared role."""
        limit = self.limits.get(user)
        if limit is None:
            return None
        return max(limit.cap_micros - limit.used_micros - limit.held_micros, 1 - MICROS_LIMIT)

    def assignable(self, user: str | None = None) -> Assignable | None:
        """Return what can be assigned to a user, or to one more (None); None where users never had allotments."""
        terms = self.terms
        if terms is None:
            return None
        credits_monthly, left_of_plan = self._credits(terms)
        # A read takes several calls: a user may have come or gone between two of them.
        others = [name for name in terms.users if name != user and name in self.users and name in self.limits]
        per_month = sum(self.users[name].per_month_micros for name in others)
        own = self.limits.get(user) if user is not None else None
        own_per_month = self.users[user].per_month_micros if user is not None and own is not None else 0
        if terms.total_cap_basis == "company_total":
            left = sum(max(self.total_of(name) or 0, 0) for name in others)
            total = self.pool - (credits_monthly - left_of_plan) - left
        else:
            spent = own.used_micros + own.held_micros if own is not None else 0
            total = left_of_plan - sum(self.limits[name].cap_micros for name in others) - spent
        return Assignable(
            self.pool,
            max(min(left_of_plan - per_month, self.pool), 0),
            max(min(total, self.pool), 0),
            min(max(per_month + own_per_month - left_of_plan, 0), MICROS_LIMIT - 1),
        )

    def _credits(self, terms: AllotmentsState) -> tuple[int, int]:
        """Return what the plan grants by the month, and what of it is neither reserved nor the numbers'."""
        cycle = self._cycle
        grant, months = (cycle.grant_micros, max(cycle.months, 1)) if cycle is not None else (0, 1)
        fees = self._numbers.fees_micros if self._numbers is not None else 0
        credits_monthly = grant // months
        reserve = terms.reserve_micros + credits_monthly * terms.reserve_percent // 100
        return credits_monthly, (grant - fees) // months - reserve
