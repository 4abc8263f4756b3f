"""The amount of one row for one recipient: quantity, arithmetic, the price line.

Leaves finding rows to `index` and putting lines together to `plan`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from metering.rating.money import AMOUNT_MICROS_MAX, Rounding, parse_micros, round_ratio
from metering.rating.plan_file import Included, Scope, Step, Tiers
from metering.rating.price import CounterUse, LineTerms, PriceLine, TierStep
from metering.rating.rows import Row
from metering.rating.times import BEGINNING_MS


class AmountTooLargeError(ValueError):
    """The amount is beyond what Lua's numbers hold exactly."""


class RateRef(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the ledger keeps of a line: enough to find the row again and to redo the sum."""

    charge: str
    deck: str
    deck_version: str
    prefix: str
    effective_from_ms: int | None
    per: str
    unit_price_micros: int
    quantity: int
    amount_micros: int
    mcc_mnc: str | None = None
    recipients: int = 1


def bill_seconds(seconds: int, first: int, following: int) -> int:
    """Billed seconds of a call: 0 for 0, `first` up to there, then whole increments of `following`."""
    if seconds == 0:
        return 0
    if seconds <= first:
        return first
    return first + -(-(seconds - first) // following) * following


def line_terms(row: Row, quantity: int, count: int, rounding: Rounding, uses: tuple[CounterUse, ...]) -> LineTerms:
    """Write down the arithmetic of one line. A call of 0 seconds was not connected: no fee, no minimum."""
    denominator = 60 if row.terms.per == "minute" else 1
    charged = quantity > 0
    scale = 100 if any(use.steps for use in uses) else 1
    return LineTerms(
        quantity,
        count,
        row.terms.connect_fee_micros * denominator * scale if charged else 0,
        row.price_micros * scale,
        denominator * scale,
        row.terms.minimum_micros if charged else 0,
        rounding,
        uses,
    )


def plain_amount(terms: LineTerms) -> int:
    """Return one recipient's amount when no counter takes part, in micro-units."""
    numerator = terms.fixed_numerator + terms.unit_numerator * terms.quantity
    return bounded_amount(numerator, terms)


def bounded_amount(numerator: int, terms: LineTerms) -> int:
    """Apply minimum and the one rounding; raises AmountTooLargeError beyond 2^53 - 1."""
    numerator = max(numerator, terms.minimum_micros * terms.denominator)
    amount = round_ratio(numerator, terms.denominator, terms.rounding)
    if amount > AMOUNT_MICROS_MAX:
        raise AmountTooLargeError(amount)
    return amount


def price_line(
    row: Row, quantity: int, recipients: int, rounding: Rounding, uses: tuple[CounterUse, ...], following: Row | None
) -> PriceLine:
    """Make the line of `row` for `quantity` units to each of `recipients` alike. Raises AmountTooLargeError."""
    arithmetic = line_terms(row, quantity, recipients, rounding, uses)
    terms, each = row.terms, plain_amount(arithmetic)
    if each * recipients > AMOUNT_MICROS_MAX:
        raise AmountTooLargeError(each * recipients)
    return PriceLine(
        charge=terms.charge,
        deck=terms.source.name,
        deck_version=terms.source.version,
        row_line=row.line,
        prefix=row.prefix or "*",
        mcc_mnc=row.mcc_mnc,
        sender_type=terms.sender_type,
        conversation_class=terms.conversation_class,
        destination=row.destination,
        country=row.country,
        effective_from_ms=None if terms.from_ms == BEGINNING_MS else terms.from_ms,
        band=terms.band.text if terms.band else None,
        per=terms.per,
        unit_price_micros=row.price_micros,
        connect_fee_micros=terms.connect_fee_micros,
        minimum_micros=terms.minimum_micros,
        quantity=quantity,
        recipients=recipients,
        each_micros=each,
        amount_micros=each * recipients,
        next_price_micros=following.price_micros if following else None,
        next_from_ms=following.terms.from_ms if following else None,
        terms=arithmetic if uses else None,
    )


def encode_lines(lines: Sequence[PriceLine]) -> bytes:
    """Write the lines as a compact JSON array for the ledger entry."""
    return msgspec.json.encode(
        [
            RateRef(
                line.charge,
                line.deck,
                line.deck_version,
                line.prefix,
                line.effective_from_ms,
                line.per,
                line.unit_price_micros,
                line.quantity,
                line.amount_micros,
                line.mcc_mnc,
                line.recipients,
            )
            for line in lines
        ]
    )


def counter_uses(row: Row, included: Sequence[Included], tiers: Sequence[Tiers]) -> tuple[CounterUse, ...]:
    """List the counters that decide about lines of this row, included quantities first: they are used up first."""
    if row.terms.charge != "rate":
        return ()
    free = [rule for rule in included if _in(rule.scope, row)]
    uses = [CounterUse(rule.counter, rule.window, "included", rule.quantity) for rule in free]
    for rule in tiers:
        # The first that fits is the one: two tier prices for one unit would contradict each other.
        if _in(rule.scope, row):
            steps = tuple(TierStep(step.up_to, _step_numerator(step, row)) for step in rule.steps)
            uses.append(CounterUse(rule.counter, rule.window, rule.mode, 0, steps))
            break
    return tuple(uses)


def _step_numerator(step: Step, row: Row) -> int:
    # Line terms are scaled by 100 when there are steps, so that a percentage of a price stays an integer.
    return row.price_micros * step.percent if step.percent is not None else parse_micros(step.price or "0") * 100


def _in(scope: Scope, row: Row) -> bool:
    terms = row.terms
    return (
        scope.channel == terms.channel
        and scope.direction == terms.direction
        and (not scope.countries or row.country in scope.countries)
        and (not scope.sender_types or (terms.sender_type or "any") in scope.sender_types)
        and (not scope.conversation_classes or (terms.conversation_class or "any") in scope.conversation_classes)
    )
