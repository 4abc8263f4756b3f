"""Puts a request's price together: which charges it brings, for each recipient, and their sum.
Leaves finding rows to `index` and the arithmetic of a line to `charges`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

import msgspec

from metering.rating.book import RateBook
from metering.rating.charges import AmountTooLargeError, bill_seconds, encode_lines
from metering.rating.money import AMOUNT_MICROS_MAX
from metering.rating.numbers import country_of, is_e164
from metering.rating.policies import Policies
from metering.rating.price import RECIPIENTS_MAX, Price, PriceLine, PriceRequest, RecipientPrice, Refusal, RefusalReason
from metering.rating.rows import ChargeOn, Row
from metering.rating.segments import SEGMENTS_MAX, Segmenting, Segments, count_segments, count_units

SENDER_TYPES = frozenset((None, "long_code", "short_code", "toll_free", "alphanumeric"))
# A call, or a wrong number: 31 days.
SECONDS_MAX = 31 * 86_400
_MOMENTS: tuple[ChargeOn, ...] = ("submit", "sent", "delivered")


class _Refused(Exception):  # noqa: N818  carries an answer, it is not an error
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class _Wanted(msgspec.Struct, frozen=True):
    """A charge to look for: without a row it refuses when `required`, else it is left out. `sign` -1 takes it back."""

    charge: str
    channel: str
    direction: str
    required: bool = True
    sign: int = 1


def assemble(book: RateBook, policy: Policies, request: PriceRequest, extra_steps: int = 0) -> Price | Refusal:
    """Price `request`, a call with `extra_steps` more billing increments (for a hold). Never raises for bad input."""
    try:
        return _Assembly(book, policy, request, extra_steps).price()
    except _Refused as refused:
        return refused.refusal
    except AmountTooLargeError as error:
        return Refusal("amount_too_large", f"{error} micro-units")


class _Assembly:
    def __init__(self, book: RateBook, policy: Policies, request: PriceRequest, extra_steps: int) -> None:
        self._book = book
        self._policy = policy
        self._request = request
        self._extra_steps = extra_steps
        self._channel = _resolve_channel(request)
        self._counted: dict[Segmenting, Segments] = {}

    def price(self) -> Price:
        request = self._request
        self._accept()
        groups: dict[tuple[int, int, int], tuple[Row, int, int, int]] = {}
        recipients: dict[str, RecipientPrice] = {}
        charge_on: ChargeOn = "submit"
        country: str | None = None
        failed_fee_micros = 0
        for to in request.to:
            amount = 0
            first: Row | None = None
            for wanted, row in self._rows(to):
                first = first or row
                quantity = self._quantity(row)
                key = (row.number, quantity, wanted.sign)
                count = groups[key][2] if key in groups else 0
                groups[key] = (row, quantity, count + 1, wanted.sign)
                amount += wanted.sign * self._book.line(row, quantity).each_micros
            moment: ChargeOn = first.charge_on if first else "submit"
            fee = first.failed_fee_micros if first else 0
            recipients[to] = RecipientPrice(amount, moment, fee, first.country if first else "")
            failed_fee_micros += fee
            charge_on = max(charge_on, moment, key=_MOMENTS.index)
            country = country if country is not None else recipients[to].country
        lines = tuple(
            _signed(self._book.line(row, quantity, count), sign) for row, quantity, count, sign in groups.values()
        )
        total = sum(line.amount_micros for line in lines)
        if total > AMOUNT_MICROS_MAX:
            raise AmountTooLargeError(total)
        seen = self._counted.get("gsm7_ucs2") or self._counted.get("flat160")
        return Price(
            amount_micros=total,
            lines=lines,
            charge_on=charge_on,
            failed_fee_micros=failed_fee_micros,
            quantity=sum(line.quantity * line.recipients for line in lines if line.charge == lines[0].charge),
            country=country or "",
            encoding=seen.encoding if seen else None,
            characters=seen.characters if seen else 0,
            segments=seen.segments if seen else 0,
            rate_json=encode_lines(lines),
            recipients=recipients if len(request.to) > 1 else None,
        )

    def _accept(self) -> None:
        request = self._request
        if not request.to:
            _refuse("invalid_number", "no recipient")
        if len(request.to) > RECIPIENTS_MAX:
            _refuse("too_many", f"{len(request.to)} recipients, {RECIPIENTS_MAX} at most")
        if request.sender_type not in SENDER_TYPES:
            _refuse("invalid_sender_type", f"{request.sender_type!r} is no sender type")
        if request.seconds is not None and not 0 <= request.seconds <= SECONDS_MAX:
            _refuse("invalid_quantity", f"{request.seconds} seconds")
        if request.feature == "reprocessed" and not self._policy.reprocessing_enabled:
            _refuse("feature_disabled", "reprocessing is switched off")
        for to in request.to:
            if not is_e164(to):
                _refuse("invalid_number", f"{to[:32]!r} is not an E.164 number")

    def _wanted(self) -> Iterator[_Wanted]:
        """The charges that the request brings, the one that names country and moment of charging first."""
        request, channel = self._request, self._channel
        feature, policy = request.feature, self._policy
        if channel == "number":
            yield _Wanted("number_rental", channel, "outbound")
        elif feature == "voicemail_recorded":
            if request.direction == "forwarded" or policy.voicemail_without_forwarding:
                yield _Wanted("voicemail_recording", "voice", "inbound")
        elif feature == "voicemail_transcribed":
            yield _Wanted("voicemail_transcription", "voice", "inbound")
            if policy.transcription_includes_recording:
                yield _Wanted("voicemail_recording", "voice", "inbound", required=False, sign=-1)
        elif feature == "reprocessed":
            yield _Wanted("reprocessing", channel, "outbound")
            if policy.reprocess_mode == "replace":
                yield _Wanted("rate", channel, "outbound", required=False, sign=-1)
        else:
            direction = "forwarded" if feature == "forwarded" else request.direction
            yield _Wanted("rate", channel, direction)
            yield _Wanted("carrier_fee", channel, direction, required=False)
            if request.machine_detection:
                yield _Wanted("machine_detection", channel, direction, required=False)

    def _rows(self, to: str) -> Iterator[tuple[_Wanted, Row]]:
        request = self._request
        for wanted in self._wanted():
            index = self._book.index(wanted.charge, wanted.channel, wanted.direction)
            row = index.find(to, request.at_ms, request.sender_type, request.mcc_mnc, request.conversation_class)
            if row is None and wanted.required:
                _refuse("unrated", f"no row for {to[:8]}…", country_of(to))
            # A surcharge of 0 is how a table ends one that a shorter prefix would bring: no line.
            if row is None or (row.price_micros == 0 and not wanted.required):
                continue
            if row.reject:
                _refuse("rejected_destination", f"{row.destination or row.prefix} is not served", row.country)
            yield wanted, row

    def _quantity(self, row: Row) -> int:
        if row.channel == "voice" and row.charge == "rate":
            seconds = self._request.seconds
            billed = bill_seconds(row.first if seconds is None else seconds, row.first, row.next)
            billed += self._extra_steps * row.next
            return billed if row.per != "call" else min(billed, 1)
        if row.channel == "sms" and row.per == "segment":
            return self._segments(row)
        return 1

    def _segments(self, row: Row) -> int:
        # A surcharge by segment counts as the rate does; its own table has no column for it.
        segmenting = row.segmenting if row.charge == "rate" or not self._counted else next(iter(self._counted))
        counted = self._counted.get(segmenting)
        if counted is None:
            counted = self._counted[segmenting] = self._count(segmenting)
        if counted.segments > SEGMENTS_MAX:
            _refuse("too_long", f"{counted.segments} parts, {SEGMENTS_MAX} at most", row.country)
        return counted.segments

    def _count(self, segmenting: Segmenting) -> Segments:
        request = self._request
        if request.text is not None:
            return count_segments(request.text, segmenting)
        if request.encoding is not None and request.characters is not None and request.characters >= 0:
            flat = segmenting == "flat160"
            parts = -(-request.characters // 160) or 1 if flat else count_units(request.encoding, request.characters)
            return Segments(request.encoding, request.characters, parts)
        if request.segments is not None and request.segments > 0:
            return Segments(request.encoding or "gsm7", 0, request.segments)
        _refuse("invalid_quantity", "needs a text, an encoding with characters, or a number of segments")


def _resolve_channel(request: PriceRequest) -> str:
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
    raise _Refused(Refusal(reason, detail, country))
