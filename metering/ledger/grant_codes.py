"""Codes of calls and part grants that Python and Lua share. Leaves all others to `codes`.

Numbers stand in stored records: add at the end, never renumber.
"""

from __future__ import annotations

from enum import IntEnum


class RoundingCode(IntEnum):
    """How the amount of a call is rounded."""

    UP = 0
    DOWN = 1
    HALF_UP = 2
    HALF_EVEN = 3


class GrantOf(IntEnum):
    """What was granted in part."""

    RECIPIENTS = 1
    SECONDS = 2
    CREDIT = 3
    """Of a draft: what of its price there is. Nothing is held."""
