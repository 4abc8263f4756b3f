"""Positions in the records of users and their allotments that Python and Lua share. Leaves all others to `layout`.

They stand in stored records: add at the end, never renumber.
"""

from __future__ import annotations

from enum import IntEnum


class User(IntEnum):
    """Positions in a user: the fields of `contracts.states.UserState` after its id."""

    ROLE = 1
    PER_MONTH = 2
    ASSIGNED = 3
    NEXT = 4
    NEXT_MONTH = 5
    RULES = 6


class Allotments(IntEnum):
    """Positions in a customer's terms: the fields of `contracts.states.AllotmentsState` after its id."""

    BASIS = 1
    ROLLOVER = 2
    RAISE = 3
    RESERVE = 4
    RESERVE_PERCENT = 5
    USERS = 6
