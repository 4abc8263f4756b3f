"""Prices requests by a plan: its decks, surcharges, rounding and options, compiled.

Leaves balances, counters and limits to the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from metering.contracts.calls import CallTerms
from metering.rating.assembly import Assembler
from metering.rating.book import RateBook
from metering.rating.lane import Reach, SmsLane
from metering.rating.plan_file import HOLD_SECONDS_DEFAULT, AlertRule, PlanFile
from metering.rating.policies import Policies
from metering.rating.price import SENDER_TYPES, Price, PriceRequest, Refusal
from metering.rating.rows import Row
from metering.rating.segments import Segments, count_segments
from metering.rating.texts import make_counter


class Plan:
    """One plan of a catalog: immutable but for its caches, so one instance serves all customers of the plan."""

    def __init__(self, file: PlanFile, rows: Sequence[Row], following: Mapping[int, Row]) -> None:
        self.file = file
        self.id = file.id
        self.title = file.title
        self.unit = file.unit
        self.policy: Policies = file.policy
        self.hold_seconds: Mapping[str, int] = HOLD_SECONDS_DEFAULT | dict(file.hold_seconds)
        self.alerts: tuple[AlertRule, ...] = file.alerts
        self._count = make_counter(file.segments)
        self._rows, self._following = tuple(rows), following

    @cached_property
    def book(self) -> RateBook:
        """The plan's rows, compiled when first asked for: most programs price by one plan of a catalog."""
        return RateBook(self.file, self._rows, self._following)

    @cached_property
    def _assembler(self) -> Assembler:
        return Assembler(self.book, self.policy, self._count)

    @cached_property
    def _lanes(self) -> dict[str | None, SmsLane]:
        return {sender: SmsLane(self.book, sender) for sender in SENDER_TYPES}

    def compile(self) -> None:
        """Compile all now, so that no price has to wait for it."""
        self._assembler  # noqa: B018  made by being asked for
        self._lanes  # noqa: B018  the same

    def count_segments(self, text: str) -> Segments:
        """Count a text's parts and characters with the plan's options."""
        return self._count(text)

    def price(self, request: PriceRequest) -> Price | Refusal:
        """Price a request: a line for each row and kind of recipient, or one refusal for the whole of it."""
        return self._assembler.price(request)

    def price_hold(self, request: PriceRequest) -> Price | Refusal:
        """Price what to reserve: a call with the plan's headroom of billing increments, anything else as it is."""
        return self._assembler.price(request, self.policy.hold_headroom_steps)

    def call_terms(self, request: PriceRequest, seconds: int) -> CallTerms | None:
        """Return how a call to one is priced to its end; None for what is no such call, or depends on a counter."""
        return self._assembler.call_terms(request, seconds, self.policy.hold_headroom_steps)

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

        `characters` (as `count_segments` gives them) matters only to rows with `flat160`; without it, they charge
        `segments` blocks. The answer is shared between calls and carries no encoding.
        """
        lane = self._lanes.get(sender_type)
        if lane is None:
            return Refusal("unpriced", f"{sender_type!r} is no sender type")
        return lane.price(to, segments, at_ms, mcc_mnc, characters)

    def sms_reach(self, to: str, at_ms: int, sender_type: str | None) -> Reach:
        """Return how far a price of `price_sms` goes that was given for an E.164 number without a network."""
        return self._lanes[sender_type].reach(to, at_ms)

    @property
    def counts_plainly(self) -> bool:
        """Whether texts are counted as they are: nothing is replaced, and there is no alphabet but the usual one."""
        return self._count is count_segments
