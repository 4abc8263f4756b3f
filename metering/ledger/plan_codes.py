"""Codes and positions of cycles that Python and Lua share. Leaves all others to `codes` and `layout`.

Numbers stand in stored records: add at the end, never renumber.
"""

from __future__ import annotations

from enum import IntEnum


class OnPlanChange(IntEnum):
    """What becomes of granted credit when the plan changes."""

    KEEP_TO_CYCLE_END = 0
    REPLACE = 1
    PRORATE = 2


class Cycle(IntEnum):
    """Positions in a cycle: the fields of `contracts.states.CycleState` after its id."""

    MONTHS = 1
    GRANT = 2
    KIND = 3
    NOTICE = 4
    STARTS = 5
    ENDS = 6
    NEXT = 7
    NEXT_MONTH = 8
    NEXT_GRANT = 9
    CANCELLED = 10
    FEES = 11
    RUNS = 12


class Fee(IntEnum):
    """Positions in a fee: the fields of `contracts.states.FeeState` after its id."""

    AMOUNT = 1
    UNIT = 2
    MONTHS = 3
    DUE = 4
    DUE_MONTH = 5
    OF = 6


class Numbers(IntEnum):
    """Positions in a customer's numbers: the fields of `contracts.states.NumbersState` after its id."""

    LIST = 1
    FEES = 2


class Sweep(IntEnum):
    """Positions in a sweep: the fields of `contracts.states.SweepState` after its id."""

    AFTER = 1
    DUE = 2
    ON = 3
    EXPIRES = 4
    NOTICE = 5
    RULES = 6
