"""Prices requests by a plan: its decks, surcharges, rounding and options, compiled.
Leaves balances, counters and limits to the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metering.rating.assembly import SENDER_TYPES, assemble
from metering.rating.book import RateBook
from metering.rating.charges import AmountTooLarge, encode_lines
from metering.rating.numbers import country_of
from metering.rating.plan_file import HOLD_SECONDS_DEFAULT, AlertRule, PlanFile
from metering.rating.policies import Policies
from metering.rating.price import Price, PriceRequest, Refusal
from metering.rating.rows import Row
from metering.rating.segments import SEGMENTS_MAX, Segments, count_segments

# Prices are shared objects, one per row and number of parts; this many hold every row in use, and memory stays flat.
_PRICES_MAX = 65_536


class Plan:
    """One plan of a catalog: immutable but for its caches, so one instance serves all customers of the plan."""

    def __init__(self, file: PlanFile, rows: Sequence[Row]) -> None:
        self.file = file
        self.id = file.id
        self.title = file.title
        self.unit = file.unit
        self.policy: Policies = file.policy
        self.hold_seconds: Mapping[str, int] = HOLD_SECONDS_DEFAULT | dict(file.hold_seconds)
        self.alerts: tuple[AlertRule, ...] = file.alerts
        self.book = RateBook(file, rows)
        self._sms = self.book.index("rate", "sms", "outbound")
        fees = self.book.index("carrier_fee", "sms", "outbound")
        self._sms_fees = fees if fees.rows else None
        self._sms_prices: dict[int, Price] = {}

    def count_segments(self, text: str) -> Segments:
        """Count a text's parts with the plan's options (`flat160` is a matter of the row, not of the plan)."""
        return count_segments(text)

    def price(self, request: PriceRequest) -> Price | Refusal:
        """Price a request: a line for each row and kind of recipient, or one refusal for the whole of it."""
        return assemble(self.book, self.policy, request)

    def price_hold(self, request: PriceRequest) -> Price | Refusal:
        """Price what to reserve: a call with the plan's headroom of billing increments, anything else as it is."""
        return assemble(self.book, self.policy, request, extra_steps=self.policy.hold_headroom_steps)

    def price_sms(
        self,
        to: str,
        segments: int,
        at_ms: int,
        sender_type: str | None,
        mcc_mnc: str | None,
        characters: int | None = None,
    ) -> Price | Refusal:
        """Price one outbound text of `segments` parts: the hot path, equal in every figure to `price`.

        `characters` (Unicode characters of the text) is needed only by rows with `flat160`; without it, they charge
        `segments` blocks. The answer is shared between calls and carries no encoding.
        """
        if not (6 <= len(to) <= 16 and to[0] == "+" and to[1] != "0" and to[1:].isdecimal() and to.isascii()):
            return Refusal("invalid_number", f"{to!r} is not an E.164 number")
        if sender_type not in SENDER_TYPES:
            return Refusal("invalid_sender_type", f"{sender_type!r} is no sender type")
        row = self._sms.find(to, at_ms, sender_type, mcc_mnc)
        if row is None:
            return Refusal("unrated", f"no row for {to[:8]}…", country_of(to))
        if row.segmenting == "flat160" and characters is not None:
            segments = -(-characters // 160) or 1
        if not 0 < segments <= SEGMENTS_MAX:
            return Refusal("too_long", f"{segments} parts, {SEGMENTS_MAX} at most", row.country)
        key = row.number * 256 + segments
        fee = None
        if self._sms_fees is not None:
            fee = self._sms_fees.find(to, at_ms, sender_type, mcc_mnc)
            if fee is not None:
                key = (fee.number << 40) + key
        price = self._sms_prices.get(key)
        return price if price is not None else self._price_sms_row(key, row, fee, segments)

    def _price_sms_row(self, key: int, row: Row, fee: Row | None, segments: int) -> Price | Refusal:
        if row.reject:
            return Refusal("rejected_destination", f"{row.destination or row.prefix} is not served", row.country)
        try:
            lines = [
                self.book.line(each, segments if each.per == "segment" else 1)
                for each in (row, fee)
                if each is not None
            ]
        except AmountTooLarge as error:
            return Refusal("amount_too_large", str(error), row.country)
        price = Price(
            amount_micros=sum(line.amount_micros for line in lines),
            lines=tuple(lines),
            charge_on=row.charge_on,
            failed_fee_micros=row.failed_fee_micros,
            quantity=lines[0].quantity,
            country=row.country,
            segments=segments,
            rate_json=encode_lines(lines),
        )
        if len(self._sms_prices) >= _PRICES_MAX:
            self._sms_prices.clear()
        self._sms_prices[key] = price
        return price
