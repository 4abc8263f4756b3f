"""How long decisions and ledger entries take at a pace, as those see it who wait for them.

Leaves publishing to others. Both readers stand in no group and read committed records only; they share the processor
with what they measure, so they make no more of a record than its event's number, and say what they took.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
from aiokafka import AIOKafkaConsumer
from msgspec import Struct

from metering.cli.benchmark.mixes import event_number
from metering.cli.kafka import open_reader
from metering.contracts.topics import Topic
from metering.settings import KafkaSettings
from metering.worker.record_batches import BatchConsumer


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

    async def read_decisions(self, reader: AIOKafkaConsumer) -> None:
        """Note decisions for ever."""
        while True:
            for records in (await reader.getmany(timeout_ms=1_000)).values():
                now = time.monotonic_ns()
                for record in records:
                    self.decisions.setdefault(event_number(self._decision(record.value).event_id), now)

    async def read_entries(self, reader: AIOKafkaConsumer) -> None:
        """Note entries for ever."""
        while True:
            for records in (await reader.getmany(timeout_ms=1_000)).values():
                now = time.monotonic_ns()
                for record in records:
                    event = self._entry(record.value).event
                    if event is not None:
                        self.entries.setdefault(event_number(event.id), now)

    def latency(self, handed: Sequence[int], first: int, cpu_seconds: float) -> Latency:
        """Return what those events came to that were handed over at `handed`, numbered from `first` on.

        `cpu_seconds` are what handing them over and reading took.
        """
        decisions, entries = _quantiles(self.decisions, handed, first), _quantiles(self.entries, handed, first)
        return Latency(decisions, entries, round(cpu_seconds * 1e6 / max(1, len(handed)), 1))


@asynccontextmanager
async def watch(kafka: KafkaSettings) -> AsyncIterator[Arrivals]:
    """Yield the arrivals from now on."""
    arrivals = Arrivals()
    async with (
        open_reader(kafka, Topic.DECISIONS, BatchConsumer) as decisions,
        open_reader(kafka, Topic.LEDGER, BatchConsumer) as ledger,
    ):
        reading = {
            asyncio.create_task(arrivals.read_decisions(decisions)),
            asyncio.create_task(arrivals.read_entries(ledger)),
        }
        try:
            yield arrivals
        finally:
            for task in reading:
                task.cancel()
            await asyncio.wait(reading)


def _quantiles(arrived: dict[int, int], handed: Sequence[int], first: int) -> Quantiles:
    waited = sorted(arrived[first + n] - at for n, at in enumerate(handed) if first + n in arrived)
    if not waited:
        return Quantiles(0, 0.0, 0.0, 0.0, 0.0)

    def at(part: float) -> float:
        return round(waited[min(len(waited) - 1, int(len(waited) * part))] / 1e6, 2)

    return Quantiles(len(waited), at(0.5), at(0.99), at(0.999), at(1.0))
