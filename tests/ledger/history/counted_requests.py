"""Turns counted prices of the model into what a worker sends after rating. Leaves the rest of a row to `requests`."""

from __future__ import annotations

from typing import Any

from metering.ledger.counted import Counted, with_counters
from metering.rating.money import Rounding
from metering.rating.price import CounterUse, LineTerms, Price, PriceLine, RecipientPrice, TierStep
from tests.ledger_model import counted as model, inputs


def counted_of(counted: model.Counted, given: inputs.Event) -> Counted:
    """Return it as rating and `with_counters` would have written it down."""
    shares = {person.to: _lines(counted, person) for person in counted.people}
    is_several = isinstance(given, inputs.Submission) and given.recipients is not None
    used = {place for person in counted.people for place in person.lines}
    every = [line for lines in shares.values() for line in lines]
    first_of_each = {(line.row_line, line.terms is None): line for line in every}
    assert used <= set(range(len(counted.lines)))
    price = Price(
        amount_micros=0,
        lines=tuple(first_of_each[key] for key in sorted(first_of_each)) if is_several else tuple(every),
        charge_on="sent",
        failed_fee_micros=0,
        quantity=1,
        country="ES",
        rate_json=b"[]",
        recipients={to: RecipientPrice(0, "sent", 0, "ES", lines) for to, lines in shares.items()}
        if is_several
        else None,
    )
    _, found = with_counters(price)
    assert found is not None
    return found


def _lines(counted: model.Counted, person: model.Person) -> tuple[PriceLine, ...]:
    lines = [_line(place, counted.lines[place].quantity, 0, terms_of(counted.lines[place])) for place in person.lines]
    return (*lines, *([_line(99, 1, person.others, None)] if person.others else []))


def _line(row: int, quantity: int, each: int, terms: LineTerms | None) -> PriceLine:
    named: dict[str, Any] = {"deck": "d", "deck_version": "1", "prefix": "34", "destination": "", "country": "ES"}
    return PriceLine(
        charge="rate",
        row_line=row,
        per="part",
        unit_price_micros=0,
        quantity=quantity,
        each_micros=each,
        amount_micros=each,
        terms=terms,
        **named,
    )


def terms_of(line: model.Line) -> LineTerms:
    """A line's arithmetic as rating has it."""
    uses = tuple(
        CounterUse(
            use.name,
            use.window,  # type: ignore[arg-type]
            use.mode,  # type: ignore[arg-type]
            use.limit,
            tuple(TierStep(last, numerator) for last, numerator in use.steps),
        )
        for use in line.uses
    )
    rounding = Rounding(line.mode, line.step)  # type: ignore[arg-type]
    return LineTerms(line.quantity, 1, line.fixed, line.unit, line.denominator, line.minimum, rounding, uses)
