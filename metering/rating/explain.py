"""Says in words how a price came about: every line with its row, the sum, what is scheduled.

Leaves the price itself to `plan`.
"""

from __future__ import annotations

import msgspec

from metering.rating.money import format_micros
from metering.rating.plan import Plan
from metering.rating.price import Price, PriceLine, PriceRequest, Refusal
from metering.rating.times import format_instant


class Explanation(msgspec.Struct, frozen=True):
    """A priced or refused request with its plan; `str()` of it is for a person."""

    plan: str
    unit: str
    request: PriceRequest
    answer: Price | Refusal

    def __str__(self) -> str:
        return "\n".join((self._describe_request(), *self._describe_answer()))

    def _describe_request(self) -> str:
        request = self.request
        to = request.to[0] if len(request.to) == 1 else f"{len(request.to)} recipients"
        what = f"{request.channel} {request.feature or request.direction}"
        via = f" from {request.sender_type}" if request.sender_type else ""
        return f"{self.plan}: {what} to {to}{via} at {format_instant(request.at_ms)}"

    def _describe_answer(self) -> list[str]:
        answer = self.answer
        if isinstance(answer, Refusal):
            where = f" ({answer.country})" if answer.country else ""
            return [f"  refused: {answer.reason}{where}: {answer.detail}"]
        lines = []
        if answer.encoding:
            size = f"{answer.characters} characters, " if answer.characters else ""
            lines.append(f"  text: {answer.encoding}, {size}{answer.segments} parts")
        lines += [text for line in answer.lines for text in describe_line(line, self.unit)]
        total = f"  total: {format_micros(answer.amount_micros)} {self.unit}, charged on {answer.charge_on}"
        if answer.failed_fee_micros:
            total += f", {format_micros(answer.failed_fee_micros)} if it fails"
        return [*lines, total]


def explain(plan: Plan, request: PriceRequest) -> Explanation:
    """Price `request` and keep what is needed to say why."""
    return Explanation(plan.id, plan.unit, request, plan.price(request))


def describe_line(line: PriceLine, unit: str) -> list[str]:
    """Write one line of a price as two or three lines of text: the sum, the row, what is scheduled."""
    sum_of = f"{format_micros(line.unit_price_micros)} per {line.per} x {_describe_quantity(line)}"
    if line.connect_fee_micros:
        sum_of += f" + {format_micros(line.connect_fee_micros)} connecting"
    if line.minimum_micros:
        sum_of += f", at least {format_micros(line.minimum_micros)}"
    if line.recipients > 1:
        sum_of += f" = {format_micros(line.each_micros)}, x {line.recipients} recipients"
    conditions = [
        line.destination or line.country,
        f"{line.deck} {line.deck_version} line {line.row_line}",
        f"network {line.mcc_mnc}" if line.mcc_mnc else f"prefix {line.prefix}",
        line.sender_type,
        line.conversation_class,
        line.band,
        f"since {format_instant(line.effective_from_ms)}" if line.effective_from_ms is not None else None,
    ]
    lines = [
        f"  {line.charge}: {sum_of} = {format_micros(line.amount_micros)} {unit}",
        f"    {', '.join(condition for condition in conditions if condition)}",
    ]
    if line.next_from_ms is not None and line.next_price_micros is not None:
        lines.append(f"    from {format_instant(line.next_from_ms)}: {format_micros(line.next_price_micros)}")
    if line.terms is not None:
        counters = ", ".join(f"{use.counter} ({use.mode}, by {use.window})" for use in line.terms.uses)
        lines.append(f"    list price; counters may lower it: {counters}")
    return lines


def _describe_quantity(line: PriceLine) -> str:
    if line.per == "minute":
        return f"{line.quantity} s"
    return f"{line.quantity} {line.per}s" if line.quantity != 1 else f"1 {line.per}"
