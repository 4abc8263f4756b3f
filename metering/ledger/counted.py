"""Writes down a price in which counters take part, for Lua to finish. Leaves the counters to Lua, rows to rating.

`rating.counters.apply_counters` is what Lua's answer has to equal.
"""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec import Struct

from metering.ledger.counter_codes import CountedBy
from metering.ledger.grant_codes import RoundingCode
from metering.rating.price import CounterUse, LineTerms, Price, PriceLine, Refusal

_EXACT_BELOW = 2**53
_LineKey = tuple[str, str, int, int]


class _InexactError(ValueError):
    pass


class Counted(Struct, frozen=True):
    """The terms of an event: its record as `layout.Input.COUNTED` has it, and the counters it meets."""

    record: list[Any]
    counters: tuple[str, ...]
    """As `contracts.states.CounterState.id`."""


_Priced = TypeVar("_Priced")


def with_counters(price: Price | _Priced) -> tuple[Price | Refusal | _Priced, Counted | None]:
    """Return a price with what Lua needs to finish it where counters take part; anything else as it is.

    `amount_too_large` where Lua's numbers would not hold the sums exactly.
    """
    if not isinstance(price, Price):
        return price, None
    try:
        return price, _counted_of(price)
    except _InexactError as error:
        return Refusal("amount_too_large", str(error), price.country), None


def _counted_of(price: Price) -> Counted | None:
    with_terms = [line for line in price.lines if line.terms is not None]
    if not with_terms:
        return None
    places = {_key(line): n for n, line in enumerate(with_terms, 1)}
    terms = [line.terms for line in with_terms if line.terms is not None]
    counters = dict.fromkeys(f"{use.window}:{use.counter}" for one in terms for use in one.uses)
    if price.recipients is None:
        people = [_person("", price.lines, places)]
    else:
        people = [_person(to, share.lines, places) for to, share in price.recipients.items()]
    return Counted([[_terms(one) for one in terms], people], tuple(counters))


def _key(line: PriceLine) -> _LineKey:
    return (line.charge, line.deck, line.row_line, line.quantity)


def _person(to: str, lines: tuple[PriceLine, ...], places: dict[_LineKey, int]) -> list[Any]:
    others = sum(line.each_micros for line in lines if line.terms is None)
    return [to, others, [places[_key(line)] for line in lines if line.terms is not None]]


def _terms(terms: LineTerms) -> list[Any]:
    minimum = terms.minimum_micros * terms.denominator
    dearest = max(terms.unit_numerator, *(step.numerator for use in terms.uses for step in use.steps), 0)
    largest = max(terms.fixed_numerator + terms.quantity * dearest, minimum)
    if 2 * (largest + terms.denominator * terms.rounding.step_micros) >= _EXACT_BELOW:
        raise _InexactError(f"{terms.quantity} units at a numerator of {dearest}")
    return [
        terms.quantity,
        terms.fixed_numerator,
        terms.unit_numerator,
        terms.denominator,
        minimum,
        RoundingCode[terms.rounding.mode.upper()].value,
        terms.rounding.step_micros,
        [_use(use) for use in terms.uses],
    ]


def _use(use: CounterUse) -> list[Any]:
    steps = [part for step in use.steps for part in (step.up_to or 0, step.numerator)]
    return [use.counter, use.window, CountedBy[use.mode.upper()].value, use.limit, steps]
