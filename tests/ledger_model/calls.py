"""What the seconds of a call cost, in fractions. Leaves what is held and charged of it to other rules."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from tests.ledger_model.rounding import rounded


@dataclass(frozen=True)
class Call:
    """The terms by which a call is priced from its beginning to its end."""

    seconds: int
    """Granted so far."""
    first: int
    next: int
    per_minute: int
    """Micro-units, or for the whole call where `per_call`."""
    headroom: int = 0
    connect_fee: int = 0
    minimum: int = 0
    mode: str = "half_up"
    step: int = 1
    others: int = 0
    per_call: bool = False

    def price(self, seconds: int, headroom: int = 0) -> int:
        """The price of so many seconds, and of so many reserved besides: one rounding of the exact amount."""
        billed = 0
        if seconds > 0:
            billed = self.first + max(0, ceil(Fraction(seconds - self.first, self.next))) * self.next
        if self.per_call:
            exact = Fraction(self.connect_fee + self.per_minute) if billed else Fraction(0)
            charged = billed > 0
        else:
            billed += headroom
            charged = billed > 0
            exact = Fraction(self.per_minute * billed, 60) + (self.connect_fee if charged else 0)
        if charged:
            exact = max(exact, Fraction(self.minimum))
        return rounded(exact, self.mode, self.step) + self.others

    def reserved(self, seconds: int) -> int:
        """What is to be held for so many seconds in all."""
        return self.price(seconds, 0 if self.per_call else self.headroom)

    def covered(self, asked: int, agreed: int, spendable: int) -> tuple[int, int]:
        """The most further seconds that `spendable` covers, without headroom since the call ends with them, and what
        they cost more than `agreed`.
        """
        for more in range(asked, 0, -1):
            cost = max(0, self.price(self.seconds + more) - agreed)
            if cost <= spendable:
                return more, cost
        return 0, 0
