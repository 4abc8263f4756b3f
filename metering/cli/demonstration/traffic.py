"""Lively traffic of made-up customers, the same for the same seed. Leaves publishing it to others.

Events come as a pipeline writes them: a message's outcomes some time after its submission, between those of others.
Some messages never have one, some events come twice, a few go to places that have no price.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import accumulate
from random import Random

import msgspec

from metering.cli.demonstration.customers import customer_name
from metering.cli.demonstration.messages import KINDS, Data, Later

SOURCE = "/demo/gateway"
SPAN_SECONDS = 480
"""Over how long the `time` of events is spread: inside every window, and enough for outcomes to take a while."""

_SENDERS = (
    ("BAKERY", "alphanumeric"),
    ("Clinica", "alphanumeric"),
    ("AIRWAYS", "alphanumeric"),
    ("+14155550100", "long_code"),
    ("+34911234567", "long_code"),
    ("+18005550199", "toll_free"),
    ("28777", "short_code"),
)
_REPEATED_ONE_IN = 250
_REMEMBERED = 1_000
"""Events that may be repeated: the last so many."""


def generate(seed: int, events: int, customers: int, ends_at_ms: int) -> Iterator[bytes]:
    """Yield exactly `events` usage events as JSON, in the order of their time.

    The same arguments give the same bytes. `time` runs over the `SPAN_SECONDS` before `ends_at_ms` (Unix milliseconds).
    Every event is valid; about one in 250 is a repeat of an earlier one, byte for byte.
    """
    traffic = _Traffic(seed, customers)
    starts_ms = ends_at_ms - SPAN_SECONDS * 1_000
    for step in range(events):
        yield traffic.next_event(step, starts_ms + step * SPAN_SECONDS * 1_000 // events)


class _Traffic:
    """What is under way: outcomes that are still to come, and events that may be repeated."""

    def __init__(self, seed: int, customers: int) -> None:
        self._random = Random(seed)  # noqa: S311  traffic, not a secret
        self._customers = [customer_name(number) for number in range(customers)]
        # A few customers make most of the traffic, as everywhere.
        self._weights = list(accumulate(1_000_000 // (rank + 4) for rank in range(customers)))
        self._kinds = [kind for kind, _ in KINDS]
        self._kind_weights = list(accumulate(weight for _, weight in KINDS))
        self._due: list[tuple[int, int, Later]] = []
        self._started = 0
        self._followed = 0
        self._sent: list[bytes] = []

    def next_event(self, step: int, at_ms: int) -> bytes:
        """Return an outcome that is due, or the start of something new, or now and then a repeat."""
        random = self._random
        if self._sent and random.randrange(_REPEATED_ONE_IN) == 0:
            return random.choice(self._sent)
        if self._due and self._due[0][0] <= step:
            _, number, later = heapq.heappop(self._due)
            event = _encode(f"e-{number:07d}", later.type, later.data, at_ms)
        else:
            event = self._start(step, at_ms)
        if len(self._sent) < _REMEMBERED:
            self._sent.append(event)
        else:
            self._sent[step % _REMEMBERED] = event
        return event

    def _start(self, step: int, at_ms: int) -> bytes:
        random = self._random
        self._started += 1
        name = f"m-{self._started:07d}"
        sender, sender_type = random.choice(_SENDERS)
        header: Data = {
            "customer": random.choices(self._customers, cum_weights=self._weights)[0],
            "charge_id": name,
            "sender": sender,
            "sender_type": sender_type,
        }
        started = random.choices(self._kinds, cum_weights=self._kind_weights)[0](random, header)
        due = step
        for later in started.later:
            due += random.randint(1, later.steps_max)
            self._followed += 1
            heapq.heappush(self._due, (due, self._followed, later))
        return _encode(name, started.type, started.data, at_ms)


def _encode(event_id: str, event_type: str, data: Data, at_ms: int) -> bytes:
    seconds, milliseconds = divmod(at_ms, 1_000)
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": event_id,
            "source": SOURCE,
            "type": event_type,
            "time": f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z",
            "data": data,
        }
    )
