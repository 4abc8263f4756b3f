"""Puts a request's price together: which charges it brings, for each recipient, and their sum.

Leaves finding rows to `index`, the arithmetic of a line to `charges`, and plain texts in bulk to `lane`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

import msgspec

from metering.contracts.calls import CallTerms
from metering.rating.book import RateBook
from metering.rating.calls import call_terms
from metering.rating.charges import AmountTooLargeError, encode_lines
from metering.rating.index import Index
from metering.rating.money import AMOUNT_MICROS_MAX
from metering.rating.numbers import country_of, is_e164
from metering.rating.policies import Policies
from metering.rating.price import (
    RECIPIENTS_MAX,
    SENDER_TYPES,
    Price,
    PriceLine,
    PriceRequest,
    RecipientPrice,
    Refusal,
    RefusalReason,
)
from metering.rating.rows import ChargeOn, Row
from metering.rating.size import SECONDS_MAX, Size, SizeError
from metering.rating.texts import Counter

_MOMENTS: tuple[ChargeOn, ...] = ("submit", "sent", "delivered")
# Finished prices to one number are kept by their rows and quantities; this many hold all in use.
_PRICES_MAX = 65_536


class _RefusedError(Exception):
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class _Wanted(msgspec.Struct, frozen=True):
    """Where to look for a charge: without a row it refuses when `required`, else is left out; `sign` -1 takes back."""

    index: Index
    required: bool = True
    sign: int = 1


class Assembler:
    """Prices every kind of request by one plan's rows and policies."""

    def __init__(self, book: RateBook, policy: Policies, count_text: Counter) -> None:
        self._book = book
        self._policy = policy
        self._count_text = count_text
        self._wanted: dict[tuple[str, str, str | None, bool], tuple[_Wanted, ...]] = {}
        self._prices: dict[tuple[int, ...], Price] = {}

    def price(self, request: PriceRequest, extra_steps: int = 0) -> Price | Refusal:
        """Price `request`, a call with `extra_steps` more billing increments (for a hold); never raises for input."""
        try:
            wanted = self._accept(request)
            size = Size(request, extra_steps, self._count_text)
            if len(request.to) == 1:
                return self._price_one(request, wanted, size)
            return self._price_many(request, wanted, size)
        except _RefusedError as refused:
            return refused.refusal
        except SizeError as error:
            return Refusal(error.reason, str(error))
        except AmountTooLargeError as error:
            return Refusal("amount_too_large", f"{error} micro-units")

    def call_terms(self, request: PriceRequest, seconds: int, headroom_steps: int) -> CallTerms | None:
        """Return the terms of a call to one; None for anything else, or where a counter takes part in its price."""
        try:
            wanted = self._accept(request)
            found = list(self._rows(request, wanted, request.to[0]))
        except _RefusedError:
            return None
        if len(request.to) != 1 or not found:
            return None
        size, row = Size(request, 0, self._count_text), found[0][1]
        if (row.terms.channel, row.terms.charge) != ("voice", "rate"):
            return None
        others = [
            _signed(self._book.line(each_row, size.quantity(each_row)), each.sign) for each, each_row in found[1:]
        ]
        if self._book.line(row, 1).terms is not None:
            return None
        return call_terms(row, others, self._book.rounding, seconds, headroom_steps)

    def _price_one(self, request: PriceRequest, wanted: tuple[_Wanted, ...], size: Size) -> Price:
        found = [(each, row, size.quantity(row)) for each, row in self._rows(request, wanted, request.to[0])]
        key = tuple(part for _, row, quantity in found for part in (row.number, quantity))
        price = self._prices.get(key)
        if price is None:
            lines = tuple(_signed(self._book.line(row, quantity), each.sign) for each, row, quantity in found)
            first = found[0][1] if found else None
            price = Price(
                amount_micros=sum(line.amount_micros for line in lines),
                lines=lines,
                charge_on=first.terms.charge_on if first else "submit",
                failed_fee_micros=first.terms.failed_fee_micros if first else 0,
                quantity=lines[0].quantity if lines else 0,
                country=first.country if first else "",
                rate_json=encode_lines(lines),
            )
            if len(self._prices) >= _PRICES_MAX:
                self._prices.clear()
            self._prices[key] = price
        return size.describe(price)

    def _price_many(self, request: PriceRequest, wanted: tuple[_Wanted, ...], size: Size) -> Price:
        counts: dict[tuple[int, int, int], int] = {}
        rows: dict[int, Row] = {}
        recipients: dict[str, RecipientPrice] = {}
        failed_fee_micros = 0
        for to in request.to:
            lines = []
            first: Row | None = None
            for each, row in self._rows(request, wanted, to):
                first = first or row
                rows[row.number] = row
                quantity = size.quantity(row)
                key = (row.number, quantity, each.sign)
                counts[key] = counts.get(key, 0) + 1
                lines.append(_signed(self._book.line(row, quantity), each.sign))
            recipients[to] = recipient = RecipientPrice(
                sum(line.amount_micros for line in lines),
                first.terms.charge_on if first else "submit",
                first.terms.failed_fee_micros if first else 0,
                first.country if first else "",
                tuple(lines),
            )
            failed_fee_micros += recipient.failed_fee_micros
        lines = [
            _signed(self._book.line(rows[number], quantity, count), sign)
            for (number, quantity, sign), count in counts.items()
        ]
        total = sum(line.amount_micros for line in lines)
        if total > AMOUNT_MICROS_MAX:
            raise AmountTooLargeError(total)
        leading = lines[0].charge if lines else None
        moments = {recipient.charge_on for recipient in recipients.values()}
        return size.describe(
            Price(
                amount_micros=total,
                lines=tuple(lines),
                charge_on=max(moments, key=_MOMENTS.index),
                failed_fee_micros=failed_fee_micros,
                quantity=sum(line.quantity * line.recipients for line in lines if line.charge == leading),
                country=recipients[request.to[0]].country,
                rate_json=encode_lines(lines),
                recipients=recipients,
            )
        )

    def _accept(self, request: PriceRequest) -> tuple[_Wanted, ...]:
        """Refuse what no row could price, and return the charges to look for."""
        if not 0 < len(request.to) <= RECIPIENTS_MAX:
            if request.to:
                _refuse("too_many", f"{len(request.to)} recipients, {RECIPIENTS_MAX} at most")
            _refuse("invalid_number", "no recipient")
        if request.sender_type not in SENDER_TYPES:
            _refuse("unpriced", f"{request.sender_type!r} is no sender type")
        if request.seconds is not None and not 0 <= request.seconds <= SECONDS_MAX:
            _refuse("unpriced", f"{request.seconds} seconds")
        if request.feature == "reprocessed" and not self._policy.reprocessing_enabled:
            _refuse("unrated", "reprocessing is switched off")
        for to in request.to:
            if not is_e164(to):
                _refuse("invalid_number", f"{to[:32]!r} is not an E.164 number")
        channel = resolve_channel(request)
        key = (channel, request.direction, request.feature, request.machine_detection)
        wanted = self._wanted.get(key)
        if wanted is None:
            wanted = self._wanted[key] = tuple(self._charges(*key))
        return wanted

    def _charges(self, channel: str, direction: str, feature: str | None, detection: bool) -> Iterator[_Wanted]:  # noqa: FBT001  part of a key, never called with a literal
        """Yield the charges that a request brings, the one that names country and moment of charging first."""
        index, policy = self._book.index, self._policy
        if channel == "number":
            yield _Wanted(index("number_rental", channel, "outbound"))
        elif feature == "voicemail_recorded":
            if direction == "forwarded" or policy.voicemail_without_forwarding:
                yield _Wanted(index("voicemail_recording", "voice", "inbound"))
        elif feature == "voicemail_transcribed":
            yield _Wanted(index("voicemail_transcription", "voice", "inbound"))
            if policy.transcription_includes_recording:
                yield _Wanted(index("voicemail_recording", "voice", "inbound"), required=False, sign=-1)
        elif feature == "reprocessed":
            yield _Wanted(index("reprocessing", channel, "outbound"))
            if policy.reprocess_mode == "replace":
                yield _Wanted(index("rate", channel, "outbound"), required=False, sign=-1)
        else:
            direction = "forwarded" if feature == "forwarded" else direction
            yield _Wanted(index("rate", channel, direction))
            yield _Wanted(index("carrier_fee", channel, direction), required=False)
            if detection:
                yield _Wanted(index("machine_detection", channel, direction), required=False)

    def _rows(self, request: PriceRequest, wanted: tuple[_Wanted, ...], to: str) -> Iterator[tuple[_Wanted, Row]]:
        for each in wanted:
            if each.index.is_empty and not each.required:
                continue
            row = each.index.find(to, request.at_ms, request.sender_type, request.mcc_mnc, request.conversation_class)
            if row is None and each.required:
                _refuse("unrated", f"no row for {to[:8]}…", country_of(to))
            # A surcharge of 0 is how a table ends one that a shorter prefix would bring: no line.
            if row is None or (row.price_micros == 0 and not each.required):
                continue
            if row.terms.reject:
                _refuse("rejected_destination", f"{row.destination or row.prefix} is not served", row.country)
            yield each, row


def resolve_channel(request: PriceRequest) -> str:
    """Say what is priced: a broadcast is calls when it has seconds, pictures when it has media, else texts."""
    if request.channel != "broadcast":
        return request.channel
    if request.seconds is not None:
        return "voice"
    return "mms" if request.media else "sms"


def _signed(line: PriceLine, sign: int) -> PriceLine:
    if sign > 0:
        return line
    return msgspec.structs.replace(line, each_micros=-line.each_micros, amount_micros=-line.amount_micros, terms=None)


def _refuse(reason: RefusalReason, detail: str, country: str | None = None) -> NoReturn:
    raise _RefusedError(Refusal(reason, detail, country))
