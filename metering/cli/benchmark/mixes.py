"""Events of the scenarios, fast: a hundred thousand in half a second. Leaves publishing them to others.

Every event is valid and has an id of its own that ends in its number, so that each must have exactly one entry.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import accumulate
from typing import NamedTuple

from metering.cli.benchmark.rates import DEBITED, RESERVED
from metering.cli.benchmark.scenario import MixName, Scenario
from metering.cli.demonstration.dial_plan import make_number

ZIPF_EXPONENT = 1.01
DRAWN = 1 << 17
"""Customers drawn before a run begins and then taken in turn: drawing must not cost the pace its time."""
NUMBERS = 500
BETWEEN = 300
"""So many events lie between two of one message."""
FAILED_ONE_IN = 20
SENDERS = 50
TEXTS = (
    "Your code is 482913. It is valid for 10 minutes.",
    "Your parcel is out for delivery today between 14:00 and 16:00.",
    "Reminder: your appointment is on Tuesday at 9:30. Reply C to cancel.",
    "Thanks for your order! We'll text you when it ships.",
    "Table for 4 confirmed, Friday 20:00. See you soon!",
)


class Event(NamedTuple):
    """One event: whose it is, its record, and whether it asks for a decision."""

    number: int
    customer: int
    value: bytes
    asks: bool


class Step(NamedTuple):
    """An event of a message or call: its type, and its fields beside customer, charge and destination as JSON."""

    type: str
    fields: str = ""
    asks: bool = False


def plan_of(mix: MixName) -> str:
    """Return the plan that the mix' customers are on."""
    return RESERVED if mix in {"reserve", "life"} else DEBITED


def customer_name(number: int) -> str:
    """Return the name of a customer, all of one length."""
    return f"customer-{number:07d}"


def event_number(event_id: str) -> int:
    """Return the number that an event's id ends in."""
    return int(event_id.rpartition("-")[2])


class Mix:
    """Events of one scenario, in order. The same scenario gives the same events but for ids and `time`."""

    def __init__(self, scenario: Scenario, run: str) -> None:
        self._random = random.Random(7)  # noqa: S311  traffic, not a secret
        self._drawn = self._draw(scenario)
        self._numbers = [make_number(self._random) for _ in range(NUMBERS)]
        self._steps = _STEPS.get(scenario.mix, _debit)
        self._waiting: deque[tuple[int, int, int, tuple[Step, ...]]] = deque()
        self._run = run

    def events(self, first: int, count: int) -> Iterator[Event]:
        """Yield `count` events, numbered from `first` on, which is where the last call ended."""
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        waiting = self._waiting
        for number in range(first, first + count):
            if waiting and waiting[0][0] <= number:
                _, begun, customer, steps = waiting.popleft()
                yield self._event(number, begun, customer, steps, time, to="")
            else:
                customer, to = self._drawn[number % DRAWN], self._numbers[number % NUMBERS]
                yield self._event(number, number, customer, self._steps(number), time, to)

    def _draw(self, scenario: Scenario) -> list[int]:
        customers = range(scenario.customers)
        if scenario.distribution == "uniform" or scenario.customers == 1:
            return self._random.choices(customers, k=DRAWN)
        weights = list(accumulate((rank + 1) ** -ZIPF_EXPONENT for rank in customers))
        return self._random.choices(customers, cum_weights=weights, k=DRAWN)

    def _event(self, number: int, begun: int, customer: int, steps: tuple[Step, ...], time: str, to: str) -> Event:
        step, *more = steps
        if more:
            self._waiting.append((number + BETWEEN, begun, customer, tuple(more)))
        where = f'"to":"{to}","sender":"+4420794600{begun % SENDERS:02d}",' if to else ""
        value = (
            f'{{"specversion":"1.0","id":"{self._run}-{number}","source":"/bench","type":"{step.type}","time":"{time}",'
            f'"data":{{"customer":"{customer_name(customer)}",{where}{step.fields}"charge_id":"{self._run}-{begun}"}}}}'
        )
        return Event(number, customer, value.encode(), step.asks)


def _submitted(number: int) -> Step:
    return Step("sms.submitted", f'"text":"{TEXTS[number % len(TEXTS)]}",', asks=True)


def _debit(number: int) -> tuple[Step, ...]:
    return (_submitted(number),)


def _reserve(number: int) -> tuple[Step, ...]:
    return _submitted(number), Step("sms.sent")


def _life(number: int) -> tuple[Step, ...]:
    if number % FAILED_ONE_IN == 0:
        return _submitted(number), Step("sms.failed")
    return _submitted(number), Step("sms.sent"), Step("sms.delivered")


def _voice(number: int) -> tuple[Step, ...]:
    extended = Step("voice.extended", '"seconds":60,', asks=True)
    ended = Step("voice.ended", f'"seconds":{30 + number % 60},')
    return Step("voice.started", '"seconds":30,', asks=True), extended, ended


_STEPS: dict[MixName, Callable[[int], tuple[Step, ...]]] = {"reserve": _reserve, "life": _life, "voice": _voice}
