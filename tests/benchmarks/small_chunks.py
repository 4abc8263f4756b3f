"""What a chunk of a few events costs a worker that has eight of them at the same moment: no broker, a real Valkey.

    python -m tests.benchmarks.small_chunks [ROUNDS] [--profile | --digest]

That is a pace: some 200 times a second one fetch brings a few events for each bucket, and what costs is the chunk, not
the event. Records are put into the buckets' queues as the intake does it, and a round ends when all decisions are with
the client, which takes them at once. Processor time of this process, beside it what a turn of a plain loop costs at the
same time. `--digest` prints a hash of all entries and decisions instead: two versions of the worker must agree.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import hashlib
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, cast

import msgspec
import uvloop
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata
from redis.asyncio import Redis

from metering.contracts.entries import Position
from metering.contracts.partitioning import partition_of
from metering.embedded.valkey import ValkeyServer
from metering.ledger.head import Head
from metering.ledger.identity import fresh_token
from metering.ledger.joined_calls import join_calls
from metering.ledger.state import BucketPosition
from metering.ledger.till import LedgerEnd, Till, Windows
from metering.observe.metrics import WorkerMetrics
from metering.rating import Catalog, load_catalog
from metering.record_batches import Record, fill_batch
from metering.settings import KafkaSettings
from metering.worker.applying import Applier
from metering.worker.claiming import Claimed, nothing_stored
from metering.worker.collecting import settle_collector
from metering.worker.kafka import BATCH_BYTES_MAX, Kafka
from metering.worker.merging import InputQueue, InputTopic
from metering.worker.parts import Parts
from metering.worker.producers import Delivery
from metering.worker.rates import InForce
from metering.worker.rates_timeline import BEGINNING_MS, END_MS
from metering.worker.sharing import Shares
from metering.worker.waiting import AppliedQueue
from tests.benchmarks.worker import calibrate
from tests.end_to_end.system import RATES
from tests.worker.records import NOW_MS, command, record, usage_event

BUCKETS = 8
CUSTOMERS = 400
"""Of all buckets: known after the first rounds, as nearly all are at a pace."""
EVENTS = (2, 4, 3, 1, 5, 3, 2, 4)
"""Of one chunk, by turns: three on average."""
ROUND_SECONDS_MAX = 10.0
"""After it a bucket has ended, and its error is told at the end."""
PARTS = 10
"""Of a run, each measured by itself: a busy machine disturbs some of them."""


class AnsweringProducer:
    """Takes batches as the client does, and a turn of the loop later they are acknowledged."""

    def __init__(self) -> None:
        self.sent = asyncio.Semaphore(0)
        self.values: list[bytes] = []

    def fill_batch(self, keys: Sequence[bytes], values: Sequence[bytes], first: int = 0) -> BatchBuilder:
        """Return a batch of the records."""
        batch = BatchBuilder(BATCH_BYTES_MAX, 0, is_transactional=0)
        fill_batch(batch, keys, values, first)
        return batch

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> Delivery:  # noqa: ARG002
        """Acknowledge it."""
        loop = asyncio.get_running_loop()
        delivery: Delivery = loop.create_future()
        loop.call_soon(delivery.set_result, cast("RecordMetadata", None))
        self.sent.release()
        return delivery


class OneCatalog:
    """Rates of which one version is in force for ever."""

    def __init__(self, catalog: Catalog) -> None:
        self._in_force = InForce(catalog, BEGINNING_MS, END_MS)

    async def at(self, clock_ms: int) -> InForce:  # noqa: ARG002  whenever it is
        """Return it."""
        return self._in_force


class PacedBucket:
    """A bucket with its applying stage, and what publishes it at once."""

    def __init__(self, number: int, parts: Parts, *, is_hashed: bool) -> None:
        self.number = number
        self.queue, self.wake = InputQueue(), asyncio.Event()
        self.digest = hashlib.sha256()
        self._is_hashed = is_hashed
        self.names = [
            name for name in map("customer-{}".format, range(CUSTOMERS)) if partition_of(name, BUCKETS) == number
        ]
        self._parts = parts
        self._till = Till(parts.scripts, number, parts.windows)
        self._batches = AppliedQueue(parts.shares.room)
        self._offsets: dict[InputTopic, int] = {"usage": 0, "commands": 0}
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Claim it, empty, and start."""
        token = fresh_token()
        await self._till.claim(token)
        await self._till.restore(token, BucketPosition(0, "", 0, 0, 0, 0), 0, [], nothing_stored())
        claimed = Claimed(token, Head(0, "", Position(0, 0)), LedgerEnd(0, "", 0), 0, [], None)
        self.queue.note_end("usage", at_end=True)
        self.queue.note_end("commands", at_end=True)
        applier = Applier(self.number, self._parts, self._till, self.queue, self.wake, claimed)
        self._tasks = [asyncio.create_task(self._apply(applier)), asyncio.create_task(self._publish(token))]

    def made(self, topic: InputTopic, values: Sequence[bytes]) -> list[Record]:
        """Return values as the records that come next."""
        first = self._offsets[topic]
        self._offsets[topic] = first + len(values)
        return [record(value, first + n, timestamp=NOW_MS) for n, value in enumerate(values)]

    def add(self, topic: InputTopic, records: Sequence[Record]) -> None:
        """Put records into the queue, as the intake does."""
        self.queue.add(topic, records)
        self.wake.set()

    async def settled(self) -> None:
        """Return when all that was put in has been applied."""
        while len(self.queue):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)

    def end(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()

    async def _apply(self, applier: Applier) -> None:
        while True:
            batch = await applier.next_batch()
            if batch is not None:
                await self._batches.put(batch)

    async def _publish(self, token: str) -> None:
        while together := await self._batches.take(4_000, 1_000, asyncio.get_running_loop().time() + 0.15):
            if self._is_hashed:
                self._hash([value for batch in together for value in batch.publication.values])
            last = together[-1].publication
            await self._till.trim(token, LedgerEnd(last.seq, last.chunk, last.seq))
            self._batches.note_published(together)

    def _hash(self, entries: Sequence[bytes]) -> None:
        """Of all but ids of chunks, which are drawn."""
        for packed in entries:
            entry = msgspec.json.decode(packed)
            self.digest.update(msgspec.json.encode({k: v for k, v in entry.items() if "chunk" not in k}))


class Pace:
    """Rounds of a few events for each bucket."""

    def __init__(self, buckets: list[PacedBucket], producer: AnsweringProducer) -> None:
        self._buckets, self._producer = buckets, producer
        self._made = 0

    async def open_customers(self) -> None:
        """Give each a plan and credit."""
        for bucket in self._buckets:
            opened = [command("open_customer", "open", customer=name, plan="payg-usd") for name in bucket.names]
            bucket.add("commands", bucket.made("commands", opened))
        for bucket in self._buckets:
            await bucket.settled()
        for bucket in self._buckets:
            credit = {"amount_micros": 10**12, "unit": "USD"}
            given = [command("top_up", "credit", customer=name, **credit) for name in bucket.names]
            bucket.add("commands", bucket.made("commands", given))
        for bucket in self._buckets:
            await bucket.settled()

    def make(self, rounds: int) -> list[list[list[Record]]]:
        """Return the records of so many rounds, by bucket."""
        return [[b.made("usage", list(self._events(b))) for b in self._buckets] for _ in range(rounds)]

    def _events(self, bucket: PacedBucket) -> Iterator[bytes]:
        for _ in range(EVENTS[self._made % len(EVENTS)]):
            self._made += 1
            name = bucket.names[self._made * self._made % len(bucket.names)]
            to = f"+1201555{self._made % 10_000:04d}"
            yield usage_event(f"e-{self._made}", customer=name, to=to, charge_id=f"m-{self._made}", segments=1)

    async def run(self, rounds: list[list[list[Record]]]) -> None:
        """Put each round in, and wait for its decisions."""
        for by_bucket in rounds:
            for bucket, records in zip(self._buckets, by_bucket, strict=True):
                bucket.add("usage", records)
            async with asyncio.timeout(ROUND_SECONDS_MAX):
                for _ in self._buckets:
                    await self._producer.sent.acquire()


async def main(rounds: int, *, profile: bool, digest: bool) -> None:
    """Run it on a Valkey of its own, and measure."""
    with tempfile.TemporaryDirectory() as directory:
        server = ValkeyServer(Path(directory))
        await server.start()
        redis = Redis.from_url(server.url)
        producer = AnsweringProducer()
        parts = _parts(redis, producer)
        try:
            buckets = [PacedBucket(number, parts, is_hashed=digest) for number in range(BUCKETS)]
            for bucket in buckets:
                await bucket.open()
            pace = Pace(buckets, producer)
            await pace.open_customers()
            await pace.run(pace.make(100))
            settle_collector()
            if profile:
                made = pace.make(rounds)
                with cProfile.Profile() as profiled:
                    await pace.run(made)
                profiled.print_stats("tottime")
            else:
                await _measure(pace, rounds)
            await asyncio.sleep(0.5)
            if digest:
                sys.stdout.write("".join(f"{bucket.number} {bucket.digest.hexdigest()}\n" for bucket in buckets))
            for bucket in buckets:
                bucket.end()
        finally:
            await parts.scripts.aclose()
            await redis.aclose()
            await server.stop()


async def _measure(pace: Pace, rounds: int) -> None:
    figures: list[float] = []
    turns: list[float] = []
    for _ in range(PARTS):
        made = pace.make(rounds // PARTS)
        turns.append(calibrate())
        started = time.process_time()
        await pace.run(made)
        figures.append((time.process_time() - started) / len(made) / BUCKETS * 1e6)
    sys.stdout.write(
        f"a chunk of three: {min(figures):.1f} us at best, {median(figures):.1f} in the middle;"
        f" {min(f * 1_000 / t for f, t in zip(figures, turns, strict=True)):,.0f} turns of {min(turns):.1f} ns\n"
    )


def _parts(redis: Redis, producer: AnsweringProducer) -> Parts:
    catalog = load_catalog(RATES)
    catalog.compile()
    stand_in: Any = None
    rates: Any = OneCatalog(catalog)
    sending: Any = producer
    return Parts(
        kafka=Kafka(KafkaSettings(bootstrap="none:0")),
        redis=redis,
        scripts=join_calls(redis),
        books=stand_in,
        consumer=stand_in,
        producer=sending,
        rates=rates,
        windows=Windows(),
        metrics=WorkerMetrics(),
        partitions=BUCKETS,
        chunk_events_max=400,
        shares=Shares(16_000),
        dead_letters_window_records=1_000,
        dead_letters_share_max=0.5,
        probe_seconds=1.0,
        now_ms=lambda: NOW_MS,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=1_000)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--digest", action="store_true")
    given = parser.parse_args()
    uvloop.run(main(given.rounds, profile=given.profile, digest=given.digest))
