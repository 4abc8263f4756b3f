"""Included quantities and volume tiers applied to a line, in plain Python.

The ledger applies them inside its atomic call, where the counters live; this is what that has to equal.
"""

from __future__ import annotations

from collections.abc import Mapping

from metering.rating.charges import bounded_amount, plain_amount
from metering.rating.price import CounterUse, LineTerms


def apply_counters(terms: LineTerms, used: Mapping[str, int]) -> tuple[tuple[int, ...], dict[str, int]]:
    """Charge a line when `used` units of each counter's window are gone.

    Returns the micro-units of each recipient in turn, and the counters afterwards. Included units are used up first
    and do not count towards tiers. A recipient whose units are all included pays neither connect fee nor minimum.
    """
    after = dict(used)
    amounts = []
    for _ in range(terms.count):
        left = terms.quantity
        for use in terms.uses:
            if use.mode == "included":
                free = min(left, max(0, use.limit - after.get(use.counter, 0)))
                after[use.counter] = after.get(use.counter, 0) + free
                left -= free
        amounts.append(_charge(terms, left, after))
    return tuple(amounts), after


def _charge(terms: LineTerms, left: int, after: dict[str, int]) -> int:
    if left == 0:
        return 0 if terms.quantity else plain_amount(terms)
    tier = next((use for use in terms.uses if use.steps), None)
    if tier is None:
        return bounded_amount(terms.fixed_numerator + terms.unit_numerator * left, terms)
    before = after.get(tier.counter, 0)
    after[tier.counter] = before + left
    return bounded_amount(terms.fixed_numerator + tier_numerator(tier, before, left), terms)


def tier_numerator(tier: CounterUse, before: int, quantity: int) -> int:
    """Sum the numerators of the units after the `before`-th up to the `before + quantity`-th of the window."""
    last = before + quantity
    total = 0
    floor = 0
    for step in tier.steps:
        ceiling = last if step.up_to is None else step.up_to
        if tier.mode == "volume":
            if last <= ceiling:
                return quantity * step.numerator
        else:
            total += max(0, min(last, ceiling) - max(before, floor)) * step.numerator
        floor = ceiling
    return total
