"""What the broker's client costs the worker: real Apache Kafka, records of the usual size, no Redis and no rules.

    python -m tests.benchmarks.broker_client [--rounds N] [--bootstrap HOST:PORT] [--only PART]

Processor time of this process, the kernel's for its sockets included; the least of several rounds, since others that
are at work only ever add to it. Beside it what a turn of a plain Python loop costs. `--bootstrap` takes a broker that
runs already, so that two versions can be measured by turns on the same one.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

import uvloop
from aiokafka import TopicPartition

from metering.contracts.entries import Position
from metering.contracts.topics import Topic
from metering.embedded.kafka import KafkaBroker
from metering.ledger.till import LedgerEnd
from metering.observe.metrics import WorkerMetrics
from metering.record_batches import BatchConsumer
from metering.settings import KafkaSettings
from metering.worker.kafka import Kafka
from metering.worker.producers import SharedProducer
from metering.worker.publishing import Publication, TransactionalPublisher
from metering.worker.sending import Outbound, await_all
from metering.worker.topics import create_topics
from tests.benchmarks.worker import calibrate

BUCKETS = 8
KEY = b"customer-00012345"
_TEXT = (
    b'{"id":"%016x","source":"/smsc/eu-1","event_id":"m-%012d","customer":"customer-%08d","charge_id":null,'
    b'"outcome":"committed","unit":"EUR","price_micros":%d,"available_micros":%d,"duplicate":false,'
    b'"entry":"3-%09d","applied_at_ms":17%011d}'
)
ENTRY_FILLER = b',"lots":[{"lot":"opening","amount_micros":-10000}],"plan":"world","deck":"world","row":"310"' * 10


def decisions(number: int) -> list[bytes]:
    """Return texts as decisions are, each another."""
    return [
        _TEXT % (i * 2654435761 % 2**63, i * 7919, i * 31 % 100_000, 10_000 + i % 97, 10**9 - i * 7001, i, i * 13)
        for i in range(number)
    ]


def entries(number: int) -> list[bytes]:
    """Return texts as entries are: three times as long, and most of it the same in each."""
    return [text[:-1] + ENTRY_FILLER[:850] + b"}" for text in decisions(number)]


class Client:
    """A worker's clients of one broker."""

    def __init__(self, kafka: Kafka, producer: SharedProducer, publishers: list[TransactionalPublisher]) -> None:
        self._outbound = [Outbound(kafka, producer, bucket) for bucket in range(BUCKETS)]
        self._kafka = kafka
        self._publishers = publishers
        self._small, self._large = decisions(3), decisions(400)
        self._few, self._many = entries(90), entries(400)
        self._offsets = count(1)

    async def decide_little(self) -> int:
        """Three decisions of each bucket at the same moment."""
        await self._decide(range(BUCKETS), self._small)
        return 1

    async def decide_much(self) -> int:
        """A chunk of decisions of two buckets each, one after the other."""
        for first in range(0, BUCKETS, 2):
            await self._decide((first, first + 1), self._large)
        return len(self._large) * BUCKETS

    async def publish_little(self) -> int:
        """A publication of each bucket, three at a time."""
        await self._publish(3, [self._few])
        return BUCKETS

    async def publish_much(self) -> int:
        """Three chunks, compressed as they come, in one publication of each bucket."""
        chunks = [self._many] * 3
        await self._publish(3, chunks)
        return sum(map(len, chunks)) * BUCKETS

    async def _decide(self, buckets: range | tuple[int, ...], values: list[bytes]) -> None:
        keys = [KEY] * len(values)
        sent = await asyncio.gather(*(self._outbound[b].send_all(Topic.DECISIONS, keys, values) for b in buckets))
        await await_all([delivery for each in sent for delivery, _ in each])

    async def _publish(self, together: int, chunks: list[list[bytes]]) -> None:
        turn, at = asyncio.Semaphore(together), next(self._offsets)

        async def publish(publisher: TransactionalPublisher) -> None:
            async with turn:
                made = [Publication([KEY] * len(values), values, [], Position(at, at), at, "c") for values in chunks]
                together = Publication.joined([publisher.press(each) for each in made])
                await publisher.publish(together, LedgerEnd(0, "", 0))

        await asyncio.gather(*map(publish, self._publishers))


class Reader:
    """Reads what lies in `usage`, over and over."""

    def __init__(self, kafka: Kafka, consumer: BatchConsumer) -> None:
        self._consumer = consumer
        self._usage = [TopicPartition(kafka.topic(Topic.USAGE), bucket) for bucket in range(BUCKETS)]
        self._commands = [TopicPartition(kafka.topic(Topic.COMMANDS), bucket) for bucket in range(BUCKETS)]

    async def read_little(self) -> int:
        """Ask for sixteen partitions, and get three records of each of eight."""
        self._seek(-3)
        await self._read(3 * BUCKETS)
        return 1

    async def read_much(self) -> int:
        """Read the backlog."""
        self._seek(0)
        return await self._read(self.length * BUCKETS)

    length = 4_000

    def _seek(self, place: int) -> None:
        for partition in self._usage:
            self._consumer.seek(partition, place % self.length)

    async def _read(self, wanted: int) -> int:
        read = 0
        while read < wanted:
            for records in (await self._consumer.getmany(timeout_ms=500)).values():
                read += len(records)
        return read

    def begin(self) -> None:
        """Take the partitions."""
        self._consumer.assign([*self._usage, *self._commands])
        for partition in self._commands:
            self._consumer.seek(partition, 0)


@asynccontextmanager
async def started(bootstrap: str) -> AsyncIterator[dict[str, tuple[Callable[[], Awaitable[int]], str]]]:
    """Return what is measured, and of what it is the price."""
    settings = KafkaSettings(bootstrap=bootstrap, topic_prefix=f"bench-{time.time_ns()}-", partitions=BUCKETS)
    await create_topics(settings)
    kafka, metrics = Kafka(settings), WorkerMetrics()
    await kafka.detect_transactions()
    producer = SharedProducer(kafka.producer, metrics.producer_renewals)
    publishers = [TransactionalPublisher(kafka, bucket, metrics.transactions) for bucket in range(BUCKETS)]
    consumer = BatchConsumer(
        **kafka.common(),
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="none",
        fetch_max_wait_ms=500,
        fetch_max_bytes=2 * 1024 * 1024,
        max_partition_fetch_bytes=512 * 1024,
    )
    await producer.start()
    await consumer.start()
    try:
        for publisher in publishers:
            await publisher.start()
        values = decisions(Reader.length)
        for bucket in range(BUCKETS):
            outbound = Outbound(kafka, producer, bucket)
            for each in (values[:-3], values[-3:]):
                sent = await outbound.send_all(Topic.USAGE, [KEY] * len(each), each)
                await await_all([delivery for delivery, _ in sent])
        client, reader = Client(kafka, producer, publishers), Reader(kafka, consumer)
        reader.begin()
        yield {
            "decisions of 8 buckets, 3 each": (client.decide_little, "round"),
            "decisions, 400 each": (client.decide_much, "event"),
            "publication of 90": (client.publish_little, "publication"),
            "publication of 3 times 400": (client.publish_much, "event"),
            "fetch of 3 records each of 8 partitions": (reader.read_little, "fetch"),
            "reading 4,000 records of 8 partitions": (reader.read_much, "event"),
        }
    finally:
        for publisher in publishers:
            await publisher.stop()
        await producer.stop()
        await consumer.stop()


async def measure(bootstrap: str, rounds: int, only: str) -> None:
    """Measure every part in turn, and tell the least of each."""
    gc.freeze()
    async with started(bootstrap) as every:
        parts = {name: part for name, part in every.items() if only in name}
        least = dict.fromkeys(parts, float("inf"))
        turn = float("inf")
        for _ in range(rounds):
            turn = min(turn, calibrate())
            for name, (run, _) in parts.items():
                began, done, ends_at = time.process_time(), 0, time.monotonic() + 0.4
                while time.monotonic() < ends_at:
                    done += await run()
                least[name] = min(least[name], (time.process_time() - began) / done * 1e6)
        sys.stdout.write(f"a turn of a plain loop: {turn:.1f} ns\n")
        for name, (_, of) in parts.items():
            sys.stdout.write(f"{name:<42} {least[name]:8.2f} µs a {of}\n")


async def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=12, help="the least of so many is told")
    parser.add_argument("--bootstrap", help="a broker that runs already")
    parser.add_argument("--only", default="", help="parts whose name has this in it")
    arguments = parser.parse_args()
    async with AsyncExitStack() as exits:
        bootstrap = arguments.bootstrap
        if bootstrap is None:
            bootstrap = (await exits.enter_async_context(KafkaBroker(log_append_time=True))).endpoint
        await measure(bootstrap, arguments.rounds, arguments.only)


if __name__ == "__main__":
    uvloop.run(main())
