"""How long decisions and ledger entries take at a pace, as those see it who wait for them.

Leaves publishing to others. The reader stands in no group and reads committed records only; it shares the processor
with what is measured, so it makes no more of a record than its event's number, and says what it took.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
from msgspec import Struct

from metering.cli.benchmark.mixes import event_number
from metering.cli.benchmark.reading import WAIT_MS_MAX, TopicsReader, open_topics
from metering.cli.kafka import topic_name
from metering.contracts.topics import Topic
from metering.settings import KafkaSettings
from metering.tasks import end_tasks


class _Decision(Struct):
    event_id: str


class _Event(Struct):
    id: str


class _Entry(Struct):
    event: _Event | None = None


class Quantiles(Struct, frozen=True):
    """Milliseconds."""

    count: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float


class Latency(Struct, frozen=True):
    """From handing an event to the producer until its decision, and its committed ledger entry, were read."""

    decision: Quantiles
    entry: Quantiles
    measuring_cpu_micros: float
    """What the measuring process took of the processors for an event, publishing it included."""


class Arrivals:
    """When the decision and the entry of each event were first read: monotonic nanoseconds by event number."""

    def __init__(self) -> None:
        self.decisions: dict[int, int] = {}
        self.entries: dict[int, int] = {}
        self._decision = msgspec.json.Decoder(_Decision).decode
        self._entry = msgspec.json.Decoder(_Entry).decode

    async def read(self, reader: TopicsReader, decisions: str, entries: str) -> None:
        """Note for ever what comes to the topics of these names."""
        while True:
            read = await reader.read()
            now = time.monotonic_ns()
            for topic, records in read:
                if topic == decisions:
                    for record in records:
                        self.decisions.setdefault(event_number(self._decision(record.value or b"").event_id), now)
                elif topic == entries:
                    for record in records:
                        event = self._entry(record.value or b"").event
                        if event is not None:
                            self.entries.setdefault(event_number(event.id), now)

    def latency(self, handed: Sequence[int], first: int, cpu_seconds: float) -> Latency:
        """Return what those events came to that were handed over at `handed`, numbered from `first` on.

        `cpu_seconds` are what handing them over and reading took.
        """
        decisions, entries = _quantiles(self.decisions, handed, first), _quantiles(self.entries, handed, first)
        return Latency(decisions, entries, round(cpu_seconds * 1e6 / max(1, len(handed)), 1))


@asynccontextmanager
async def watch(kafka: KafkaSettings, *, is_woken: bool) -> AsyncIterator[Arrivals]:
    """Yield the arrivals from now on; raises at the end what reading them ended with, if it did.

    `is_woken`: whether the broker wakes who waits for what has not come yet.
    """
    arrivals = Arrivals()
    wait_ms = WAIT_MS_MAX if is_woken else kafka.fetch_max_wait_ms
    async with open_topics(kafka, [Topic.DECISIONS, Topic.LEDGER], wait_ms) as reader:
        names = topic_name(kafka, Topic.DECISIONS), topic_name(kafka, Topic.LEDGER)
        reading = asyncio.create_task(arrivals.read(reader, *names), name="arrivals")
        try:
            yield arrivals
            if reading.done():
                reading.result()
        finally:
            await end_tasks(reading)


def _quantiles(arrived: dict[int, int], handed: Sequence[int], first: int) -> Quantiles:
    waited = sorted(arrived[first + n] - at for n, at in enumerate(handed) if first + n in arrived)
    if not waited:
        return Quantiles(0, 0.0, 0.0, 0.0, 0.0)

    def at(part: float) -> float:
        return round(waited[min(len(waited) - 1, int(len(waited) * part))] / 1e6, 2)

    return Quantiles(len(waited), at(0.5), at(0.99), at(0.999), at(1.0))
