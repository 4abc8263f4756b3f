"""What the worker's own Python costs an event, step by step: no broker, and Redis' answers recorded before.

    python -m tests.benchmarks.worker [EVENTS] [--profile "STEP"] [--compiled | --no-compiled]

One bucket, chunks of 400, customers drawn Zipf-like. Every step runs over all chunks by itself, several times, and the
best time of each is told: processor time of this process. Beside it what a turn of a plain Python loop costs at the
same time, since the same machine is worth twice as much in one hour as in another. `--profile` says where a step's time
goes. Compiled steps are measured where they are built, else those in Python.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from aiokafka.producer.message_accumulator import BatchBuilder
from redis.asyncio import Redis

from metering import native
from metering.embedded.valkey import ValkeyServer
from metering.ledger.chunk import Chunk
from metering.observe.metrics import WorkerMetrics
from metering.record_batches import fill_batch
from metering.worker.chunking import TakenChunk, build_chunk, customers_in
from metering.worker.collecting import settle_collector
from metering.worker.kafka import BATCH_BYTES_MAX
from metering.worker.made_batches import pack_batch
from metering.worker.telling import Told, tell_results
from tests.benchmarks.recorded import MIXES, RecordedPath, make_events

ROUNDS = 5
TURNS = 200_000


class Steps:
    """Every step over all chunks of one mix; each leaves what the next one takes."""

    def __init__(self, path: RecordedPath, metrics: WorkerMetrics) -> None:
        self._path = path
        self._metrics = metrics
        self._taken: list[TakenChunk] = []
        self._chunks: list[Chunk] = []
        self._told: list[Told] = []

    def all(self) -> dict[str, Callable[[], None]]:
        """Return the steps in their order."""
        return {
            "take and decode": self.take,
            "price and build": self.build,
            "entries, decisions, counts": self.tell,
            "batches of entries": self.entry_batches,
            "batches of decisions": self.decision_batches,
        }

    def take(self) -> None:
        """Records to inputs."""
        self._taken = [self._path.take("usage", one.records, one.head.position) for one in self._path.chunks]

    def build(self) -> None:
        """Inputs to what Lua takes."""
        path = self._path
        for taken in self._taken:
            customers_in(taken.inputs)
        self._chunks = [build_chunk(taken, 0, path.customers, path.catalog) for taken in self._taken]

    def tell(self) -> None:
        """What Lua answered to records, side outputs and metrics."""
        self._told = []
        for one, chunk in zip(self._path.chunks, self._chunks, strict=True):
            head = one.head
            told = tell_results(0, head.seq + 1, one.chunk_id, head.chunk, one.results, chunk)
            told.counts.count(self._metrics)
            self._told.append(told)

    def entry_batches(self) -> None:
        """Entries to Kafka's batches."""
        for told in self._told:
            _batched(told.keys, told.values)

    def decision_batches(self) -> None:
        """Decisions to Kafka's batches."""
        for told in self._told:
            _batched(told.asked_keys, told.decisions)


async def make_steps(redis: Redis, mix: str, events: int) -> dict[str, Callable[[], None]]:
    """Record a mix on an empty Redis and return the steps over it, in their order. Empties Redis."""
    await redis.flushall()
    path = RecordedPath(redis)
    await path.run(make_events(mix, events))
    return Steps(path, WorkerMetrics()).all()


def _batched(keys: list[bytes], values: list[bytes]) -> None:
    first = 0
    while first < len(values):
        if native.in_use:
            first += pack_batch(keys, values, first, BATCH_BYTES_MAX, 0, is_transactional=True).record_count()
        else:
            first = fill_batch(BatchBuilder(BATCH_BYTES_MAX, 0, is_transactional=1), keys, values, first)


def calibrate() -> float:
    """Return nanoseconds of one turn of a plain loop: what the machine is worth just now."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        total = 0
        for n in range(TURNS):
            total += n % 7
        best = min(best, time.process_time() - started)
    return best / TURNS * 1e9


def measure(steps: dict[str, Callable[[], None]], events: int) -> dict[str, float]:
    """Return the microseconds of one event by step: the best of several rounds over all of them."""
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(ROUNDS):
        for name, step in steps.items():
            gc.collect()
            started = time.process_time()
            step()
            best[name] = min(best[name], time.process_time() - started)
    return {name: seconds / events * 1e6 for name, seconds in best.items()}


def profile(steps: dict[str, Callable[[], None]], wanted: str) -> None:
    """Print where the time of one step goes."""
    for name, step in steps.items():
        if name == wanted:
            with cProfile.Profile() as profiled:
                step()
            profiled.print_stats("tottime")
        else:
            step()


async def main(events: int, wanted: str | None) -> None:
    """Record each mix on a Valkey of its own, and measure."""
    with tempfile.TemporaryDirectory() as directory:
        server = ValkeyServer(Path(directory))
        await server.start()
        try:
            redis = Redis.from_url(server.url)
            for mix in MIXES:
                steps = await make_steps(redis, mix, events)
                if wanted is not None:
                    profile(steps, wanted)
                    continue
                settle_collector()
                turn = calibrate()
                figures = measure(steps, events)
                sys.stdout.write(f"\n{mix}; a turn of a plain loop: {turn:.1f} ns\n")
                for name, figure in {**figures, "together": sum(figures.values())}.items():
                    sys.stdout.write(f"  {name:24} {figure:6.2f} us an event, {figure * 1000 / turn:5.0f} turns\n")
            await redis.aclose()
        finally:
            await server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", nargs="?", type=int, default=8_000)
    parser.add_argument("--profile")
    parser.add_argument("--compiled", action=argparse.BooleanOptionalAction, default=native.in_use)
    given = parser.parse_args()
    with native.forced(is_on=given.compiled):
        asyncio.run(main(given.events, given.profile))
