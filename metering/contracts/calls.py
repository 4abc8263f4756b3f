"""The terms of a call, as its charge keeps them. Leaves making them to `rating`, and what they cost to the ledger."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class CallTerms(Struct, frozen=True, omit_defaults=True, gc=False):
    """How a call is priced from its beginning to its end: by the row of its beginning, whatever changes meanwhile.

    Billed seconds are `first` up to there, then whole increments of `next`. Amount = others + max(minimum, (fixed +
    unit * billed) / denominator), rounded once to a multiple of `step_micros`; one of 0 seconds costs only the others.
    """

    seconds: int
    """Granted so far."""
    headroom_seconds: int
    """Reserved besides, for the case that it climbs into the next increment."""
    first: int
    next: int
    fixed: int
    unit: int
    denominator: int
    """`fixed`, `unit` and `minimum` are micro-units times it."""
    mode: Literal["up", "down", "half_up", "half_even"]
    step_micros: int
    minimum: int = 0
    others_micros: int = 0
    per_call: bool = False
    """`unit` is for the whole call, not for a second."""
