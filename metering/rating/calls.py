"""The terms of a call: what its seconds cost, by the row that its beginning was priced by.

Leaves multiplying to the ledger, which prices the call's further seconds and its end.
"""

from __future__ import annotations

from collections.abc import Sequence

from metering.contracts.calls import CallTerms
from metering.rating.charges import bill_seconds, line_terms
from metering.rating.money import Rounding, round_ratio
from metering.rating.price import PriceLine
from metering.rating.rows import Row
from metering.rating.size import SECONDS_MAX

_EXACT_BELOW = 2**53


def call_terms(
    row: Row, others: Sequence[PriceLine], rounding: Rounding, seconds: int, headroom_steps: int
) -> CallTerms | None:
    """Return the terms of a call of `seconds` priced by `row` and the lines of `others`.

    None where Lua's numbers would not hold the sum of the longest call exactly.
    """
    each = line_terms(row, 1, 1, rounding, ())
    own = row.terms
    terms = CallTerms(
        seconds=seconds,
        headroom_seconds=0 if own.per == "call" else headroom_steps * own.next,
        first=own.first,
        next=own.next,
        fixed=each.fixed_numerator,
        unit=each.unit_numerator,
        denominator=each.denominator,
        mode=rounding.mode,
        step_micros=rounding.step_micros,
        minimum=each.minimum_micros * each.denominator,
        others_micros=sum(line.amount_micros for line in others),
        per_call=own.per == "call",
    )
    longest = SECONDS_MAX + own.first + own.next + terms.headroom_seconds
    largest = max(terms.fixed + terms.unit * longest, terms.minimum)
    is_exact = 2 * (largest + terms.denominator * terms.step_micros) + terms.others_micros < _EXACT_BELOW
    return terms if is_exact and terms.others_micros >= 0 else None


def price_call(terms: CallTerms, seconds: int, headroom_seconds: int = 0) -> int:
    """Return the micro-units of a call of `seconds`."""
    billed = bill_seconds(seconds, terms.first, terms.next)
    quantity = min(billed, 1) if terms.per_call else billed + headroom_seconds
    if quantity == 0:
        return terms.others_micros
    numerator = max(terms.fixed + terms.unit * quantity, terms.minimum)
    rounding = Rounding(terms.mode, terms.step_micros)
    return round_ratio(numerator, terms.denominator, rounding) + terms.others_micros
