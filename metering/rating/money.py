"""Exact amounts: decimal strings to micro-units, and the one rounding of a charged line.

Leaves what is charged to `charges`.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

MICROS = 1_000_000
# Amounts pass through Lua, whose numbers are doubles: integers are exact only below this.
AMOUNT_MICROS_MAX = 2**53 - 1

RoundingMode = Literal["up", "down", "half_up", "half_even"]

_DECIMAL = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,6}))?", re.ASCII)


class Rounding(msgspec.Struct, frozen=True, gc=False):
    """How a plan rounds a charged line: to a multiple of `step_micros`, away from or towards zero or to the nearer."""

    mode: RoundingMode
    step_micros: int = 1


def parse_micros(text: str) -> int:
    """Read a non-negative decimal string such as `0.0075` as micro-units (7500).

    At most six decimals, no sign, exponent, spaces or separators. Raises ValueError with what is wrong, never rounds.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        message = f"{text!r} is not a decimal number with at most 12 digits before and 6 after the point"
        raise ValueError(message)
    whole, fraction = match.groups()
    micros = int(whole) * MICROS + int((fraction or "").ljust(6, "0"))
    if micros > AMOUNT_MICROS_MAX:
        message = f"{text!r} is beyond the largest amount"
        raise ValueError(message)
    return micros


def format_micros(micros: int) -> str:
    """Write micro-units as a decimal string without trailing zeros: 7500 -> `0.0075`, -1500000 -> `-1.5`."""
    sign = "-" if micros < 0 else ""
    whole, fraction = divmod(abs(micros), MICROS)
    decimals = f"{fraction:06d}".rstrip("0")
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"


def round_ratio(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Round `numerator / denominator` micro-units (numerator >= 0, denominator > 0) to the rounding's step, once.

    Exact for integers of any size. Returns micro-units, always a multiple of the step.
    """
    step = rounding.step_micros
    quotient, rest = divmod(numerator, denominator * step)
    if rest:
        mode = rounding.mode
        if mode == "up":
            quotient += 1
        elif mode != "down":
            twice = 2 * rest
            whole = denominator * step
            if twice > whole or (twice == whole and (mode == "half_up" or quotient & 1)):
                quotient += 1
    return quotient * step
