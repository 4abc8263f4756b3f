"""CPU of every process of a run, for an event, between two moments. Leaves choosing the moments to `run`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from msgspec import Struct

from metering.cli.benchmark.accounts import cpu_seconds

Pids = Mapping[str, Sequence[int]]
"""Process ids by part: worker, redis, kafka, checkpointer, postgres."""


class Reading(Struct, frozen=True):
    """CPU seconds so far by part, at a moment (monotonic) at which so many were done."""

    at_seconds: float
    done: int
    cpu: dict[str, float]


class Cost(Struct, frozen=True):
    """What the events between two readings took."""

    events: int
    milliseconds: int
    cpu_micros: dict[str, float]
    """Microseconds of CPU an event, by part."""

    @property
    def per_second(self) -> int:
        """Events a second."""
        return self.events * 1000 // max(1, self.milliseconds)


def read_cpu(pids: Pids, done: int) -> Reading:
    """Return a reading of now."""
    cpu = {part: sum(map(cpu_seconds, each)) for part, each in pids.items()}
    return Reading(time.monotonic(), done, cpu)


def cost_between(first: Reading, last: Reading, besides: Mapping[str, float]) -> Cost:
    """Return what lies between; `besides` is CPU seconds that the measuring itself took of a part."""
    events = last.done - first.done
    used = {part: last.cpu[part] - first.cpu[part] - besides.get(part, 0.0) for part in first.cpu}
    cpu_micros = {part: round(seconds * 1e6 / max(1, events), 2) for part, seconds in used.items()}
    return Cost(events, round((last.at_seconds - first.at_seconds) * 1000), cpu_micros)
