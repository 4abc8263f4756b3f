"""Answers estimate requests: the number a later debit of the same input will have, and how it comes about.

Leaves reading streams of requests to the command line and the API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import msgspec

from metering.rating.catalog import Catalog
from metering.rating.charges import AmountTooLargeError
from metering.rating.columns import parse_mcc_mnc
from metering.rating.counters import apply_counters
from metering.rating.numbers import normalise_number
from metering.rating.price import Feature, Price, PriceLine, PriceRequest, Refusal, RequestChannel
from metering.rating.segments import Encoding
from metering.rating.times import format_instant, parse_moment

PLAN_DEFAULT = "payg-usd"


class EstimateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request of `estimate --jsonl`. `to` may be written as people write numbers; `at` is an ISO instant."""

    channel: RequestChannel
    to: str | tuple[str, ...]
    plan: str = PLAN_DEFAULT
    direction: Literal["outbound", "inbound", "forwarded"] = "outbound"
    feature: Feature | None = None
    text: str | None = None
    encoding: Encoding | None = None
    characters: int | None = None
    segments: int | None = None
    media: int | None = None
    seconds: int | None = None
    sender_type: str | None = None
    mcc_mnc: str | None = None
    conversation_class: str | None = None
    machine_detection: bool = False
    country: str | None = None
    at: str | None = None
    used: dict[str, Annotated[int, msgspec.Meta(ge=0)]] = {}
    """Units of each of the plan's counters that are gone in its window; those not named are unused."""


class EstimateRate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The row that priced a line."""

    charge: str
    deck: str
    deck_version: str
    prefix: str
    mcc_mnc: str | None = None
    destination: str = ""
    country: str = ""
    effective_from: str | None = None
    per: str
    unit_price_micros: int
    next_price_micros: int | None = None
    next_from: str | None = None


class EstimateLine(msgspec.Struct, frozen=True, kw_only=True):
    """One charge for one recipient."""

    to: str
    quantity: int
    amount_micros: int
    rate: EstimateRate


class EstimateError(msgspec.Struct, frozen=True):
    """Why there is no estimate."""

    code: str
    message: str


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. `final` is always false: the real cost is settled with what really happened."""

    encoding: str | None = None
    characters: int | None = None
    segments: int | None = None
    unit: str | None = None
    amount_micros: int | None = None
    final: bool = False
    lines: tuple[EstimateLine, ...] = ()
    error: EstimateError | None = None


_decode = msgspec.json.Decoder(EstimateRequest).decode


def estimate_json(catalog: Catalog, line: bytes | str, now_ms: int) -> bytes:
    """Answer one JSON request with one JSON document; whatever is wrong with it becomes the answer's `error`."""
    try:
        request = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return msgspec.json.encode(Estimate(error=EstimateError("invalid_request", str(error))))
    return msgspec.json.encode(estimate(catalog, request, now_ms))


def estimate(catalog: Catalog, request: EstimateRequest, now_ms: int) -> Estimate:
    """Price `request` at its own time, or at `now_ms` when it names none."""
    plan = catalog.plans.get(request.plan)
    if plan is None:
        return Estimate(error=EstimateError("unknown_plan", f"no plan {request.plan!r}"))
    try:
        priced = to_price_request(request, now_ms)
    except ValueError as error:
        return Estimate(error=EstimateError("invalid_request", str(error)))
    answer = plan.price(priced)
    if isinstance(answer, Refusal):
        return Estimate(unit=plan.unit, error=EstimateError(answer.reason, answer.detail))
    try:
        lines = tuple(_lines(answer, priced.to, request.used))
    except AmountTooLargeError as error:
        return Estimate(unit=plan.unit, error=EstimateError("amount_too_large", f"{error} micro-units"))
    return Estimate(
        encoding=answer.encoding,
        characters=answer.characters if answer.encoding else None,
        segments=answer.segments or None,
        unit=plan.unit,
        amount_micros=sum(line.amount_micros for line in lines),
        lines=lines,
    )


def to_price_request(request: EstimateRequest, now_ms: int) -> PriceRequest:
    """Normalise numbers, network and time; raises ValueError naming what cannot be read."""
    numbers = (request.to,) if isinstance(request.to, str) else request.to
    return PriceRequest(
        channel=request.channel,
        to=tuple(_normalise(number, request.country) for number in numbers),
        at_ms=now_ms if request.at is None else parse_moment(request.at),
        direction=request.direction,
        feature=request.feature,
        segments=request.segments,
        text=request.text,
        encoding=request.encoding,
        characters=request.characters,
        media=request.media,
        seconds=request.seconds,
        sender_type=request.sender_type,
        mcc_mnc=parse_mcc_mnc(request.mcc_mnc or ""),
        conversation_class=request.conversation_class,
        machine_detection=request.machine_detection,
    )


def _normalise(number: str, country: str | None) -> str:
    # What is no international number is left to the price, which refuses it with the reason that a debit would have.
    try:
        return normalise_number(number, country).value
    except ValueError:
        return number


def _lines(price: Price, numbers: tuple[str, ...], used: Mapping[str, int]) -> Iterator[EstimateLine]:
    """Yield each recipient's lines; counters go on from one to the next, as in the ledger."""
    for to in numbers:
        for line in price.lines if price.recipients is None else price.recipients[to].lines:
            amount = line.each_micros
            if line.terms is not None:
                (amount,), used = apply_counters(line.terms, used)
            yield _line(to, line, amount)


def _line(to: str, line: PriceLine, amount_micros: int) -> EstimateLine:
    return EstimateLine(
        to=to,
        quantity=line.quantity,
        amount_micros=amount_micros,
        rate=EstimateRate(
            charge=line.charge,
            deck=line.deck,
            deck_version=line.deck_version,
            prefix=line.prefix,
            mcc_mnc=line.mcc_mnc,
            destination=line.destination,
            country=line.country,
            effective_from=None if line.effective_from_ms is None else format_instant(line.effective_from_ms),
            per=line.per,
            unit_price_micros=line.unit_price_micros,
            next_price_micros=line.next_price_micros,
            next_from=None if line.next_from_ms is None else format_instant(line.next_from_ms),
        ),
    )
