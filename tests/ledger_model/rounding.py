"""How an exact amount becomes micro-units. Leaves what is rounded to prices."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor


def rounded(exact: Fraction, mode: str, step: int) -> int:
    """To a multiple of the step."""
    steps = exact / step
    if mode == "up":
        return ceil(steps) * step
    if mode == "down":
        return floor(steps) * step
    if mode == "half_even":
        return round(steps) * step
    return floor(steps + Fraction(1, 2)) * step
