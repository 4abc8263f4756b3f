"""Prices in which counters take part: what an event brings, and what it comes to, unit by unit. Leaves the counting to
`counters`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from tests.ledger_model.rounding import rounded


@dataclass(frozen=True)
class Use:
    """A counter that decides about a line. `included`: the first `limit` units of its window are free. `graduated`:
    a unit costs what the step says into which it falls; `volume`: what the step of the line's last unit says.
    """

    window: str
    name: str
    mode: str
    limit: int = 0
    steps: tuple[tuple[int | None, int], ...] = ()
    """The last unit of each (None = the rest), and the numerator of its units."""

    @property
    def id(self) -> str:
        """window:name."""
        return f"{self.window}:{self.name}"

    def numerator(self, nth: int) -> int:
        """Of the window's n-th unit."""
        return next(numerator for last, numerator in self.steps if last is None or nth <= last)


@dataclass(frozen=True)
class Line:
    """A line for one recipient: max(minimum, (fixed + the units' numerators) / denominator), rounded once."""

    quantity: int
    fixed: int
    unit: int
    denominator: int
    minimum: int
    mode: str
    step: int
    uses: tuple[Use, ...]


@dataclass(frozen=True)
class Person:
    """A recipient (empty where there is but one): what its other lines cost, and the places of its counted ones."""

    to: str
    others: int
    lines: tuple[int, ...]


@dataclass(frozen=True)
class Counted:
    """What an event brings instead of a price."""

    lines: tuple[Line, ...]
    people: tuple[Person, ...]


class Used:
    """The units used of each counter while one event is priced, and who took them."""

    def __init__(self, used: dict[str, int]) -> None:
        self.used = used
        self.looked_at: list[str] = []
        self.taken: list[tuple[str, str, int]] = []
        """Counter, recipient, units."""

    def look_at(self, counter: str) -> int:
        """How many units are gone."""
        if counter not in self.looked_at:
            self.looked_at.append(counter)
        return self.used.get(counter, 0)

    def take(self, counter: str, to: str, units: int) -> None:
        """Use some more."""
        if units > 0:
            self.used[counter] = self.used.get(counter, 0) + units
            self.taken.append((counter, to, units))


def line_price(line: Line, to: str, used: Used) -> int:
    """Included units go first; for the rest the first tier that there is. Free as a whole where all is included."""
    left = line.quantity
    for use in line.uses:
        if use.mode == "included":
            free = min(left, max(0, use.limit - used.look_at(use.id)))
            used.take(use.id, to, free)
            left -= free
    if left == 0 and line.quantity > 0:
        return 0
    tiers = [use for use in line.uses if use.mode != "included"]
    if tiers and left > 0:
        numerators = list(tier_numerators(tiers[0], used.look_at(tiers[0].id), left))
        used.take(tiers[0].id, to, left)
    else:
        numerators = [line.unit] * left
    exact = max(Fraction(line.fixed + sum(numerators), line.denominator), Fraction(line.minimum))
    return rounded(exact, line.mode, line.step)


def tier_numerators(tier: Use, before: int, units: int) -> Iterator[int]:
    """Of each unit after the `before`-th."""
    for nth in range(before + 1, before + units + 1):
        yield tier.numerator(before + units if tier.mode == "volume" else nth)
