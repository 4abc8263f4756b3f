"""What an entry or an answer tells of a user's allotment. Leaves the records themselves to `states`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Assignable(Struct, frozen=True, omit_defaults=True, gc=False):
    """What can be assigned, in micro-units. The maxima are of the values of the user that it is about."""

    company_total_micros: int
    """What is available in the company pool."""
    max_per_month_micros: int
    max_total_micros: int
    over_assigned_micros: int = 0
    """By how much the plan does not cover what is assigned by the month, its reserve and its numbers."""


class Allotment(Struct, frozen=True, omit_defaults=True, gc=False):
    """A line of a user's total. Amounts in micro-units; the user draws on the company pool, which it leaves alone."""

    user: str = ""
    """Empty where it is about the plan alone."""
    change_micros: int = 0
    """Of what is assigned: plus can be spent."""
    lapsed_micros: int = 0
    """What is part of the change because it did not roll over."""
    subtotal_micros: int = 0
    """The sum of all changes, this one included."""
    total_micros: int | None = None
    """What the user may spend now; None: all that is in the pool (a shared role, or the user is gone)."""
    per_month_micros: int | None = None
    field: Literal["per_month", "total"] | None = None
    """Of a refusal: which value was too high."""
    assignable: Assignable | None = None
    """None on the monthly additions."""
