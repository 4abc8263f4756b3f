"""How long after Redis has lost everything decisions flow again: the whole way, on the clock.

    python -m tests.benchmarks.recovery [WALLETS [IDS [BUCKETS]]] [--broker tansu|apache] [--pause]

A stack of its own with a worker and a checkpointer, and events of every bucket all the time. Redis is killed and comes
back empty; measured is from the kill to the first decision on an event that was sent after it, in each bucket. Looks
whether all wallets and ids are there again, and whether an event of before is still known. `--pause` waits for Enter
before the kill, so that the machine can come to rest.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from redis.asyncio import Redis

from metering.checkpoint.database import Database
from metering.cli.benchmark.accounts import cpu_seconds, peak_bytes
from metering.cli.demonstration.children import Child
from metering.cli.installation import prepare
from metering.contracts.partitioning import partition_of
from metering.contracts.topics import Topic
from metering.embedded.stack import Stack
from metering.settings import LogSettings, RatesSettings, Settings
from metering.worker.kafka import Kafka
from tests.checkpoint.many_wallets import make_books
from tests.end_to_end.messages import AMERICA, text
from tests.end_to_end.system import RATES

PACE_SECONDS = 0.1
"""Between two events of a bucket."""
CUSTOMERS_A_BUCKET = 50
"""Who take turns, so that none runs out of credit."""
SECONDS_MAX = 600.0
MEBIBYTE = 1024 * 1024


@dataclass
class Traffic:
    """Events of every bucket, one after another, and the first decision of each on one that was sent late enough."""

    kafka: Kafka
    buckets: int
    since: float = 0.0
    """Events sent before this moment (monotonic) do not count."""
    sent: dict[str, float] = field(default_factory=dict)
    decided: dict[int, float] = field(default_factory=dict)
    """When the first decision came, by bucket."""
    repeats: set[str] = field(default_factory=set)
    """Events whose decision was told to be a repeat."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    """Which send and watch."""

    def from_now(self) -> float:
        """Count anew; return the moment."""
        self.decided, self.since = {}, time.monotonic()
        return self.since

    async def send(self, producer: AIOKafkaProducer, customers: list[list[str]]) -> None:
        """Send until cancelled."""
        for turn in count():
            for bucket, names in enumerate(customers):
                name, event_id = names[turn % len(names)], f"live-{bucket}-{turn}"
                self.sent[event_id] = time.monotonic()
                value = text(name, event_id, AMERICA)[1]
                with suppress(KafkaError):  # a broker that is slow on a busy machine: the next one will do
                    await producer.send(self.kafka.topic(Topic.USAGE), value, key=name.encode(), partition=bucket)
            await asyncio.sleep(PACE_SECONDS)

    async def watch(self, consumer: AIOKafkaConsumer) -> None:
        """Read decisions until cancelled."""
        async for record in consumer:
            decision = json.loads(record.value)
            event_id = decision["event_id"]
            if decision.get("duplicate"):
                self.repeats.add(event_id)
            if self.sent.get(event_id, 0.0) > self.since:
                self.decided.setdefault(record.partition, time.monotonic())

    async def all_decided(self) -> None:
        """Return when every bucket has decided an event. Raises what ended the sending or the watching."""
        ends_at = time.monotonic() + SECONDS_MAX
        while len(self.decided) < self.buckets:
            for task in self.tasks:
                if task.done():
                    task.result()
            if time.monotonic() > ends_at:
                raise SystemExit(f"buckets {set(range(self.buckets)) - set(self.decided)} decide nothing")
            await asyncio.sleep(0.02)


async def measure(wallets: int, ids: int, buckets: int, broker: str, *, pause: bool) -> None:
    """Make the books, let all run, take Redis away, and tell what came after it."""
    async with AsyncExitStack() as exits:
        directory = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="metering-recovery-")))
        stack = Stack(broker, directory, valkey_appendonly=True)  # type: ignore[arg-type]  # argparse has looked at it
        await exits.enter_async_context(stack)
        given = Settings().with_section(rates=RatesSettings(dir=RATES), log=LogSettings(level="info", format="json"))
        settings = await prepare(stack, given, buckets)
        await _fill(stack.postgres_dsn, wallets, ids, buckets)
        _say(f"books of {wallets:,} wallets and {ids:,} ids in {buckets} buckets")
        started = time.monotonic()
        worker = await exits.enter_async_context(Child("worker", settings, directory))
        checkpointer = await exits.enter_async_context(Child("checkpointer", settings, directory))
        kafka = Kafka(settings.kafka)
        traffic, customers = Traffic(kafka, buckets), _customers(wallets, buckets)
        producer = await exits.enter_async_context(_running(traffic, customers))
        await traffic.all_decided()
        _tell("from the start of the processes", traffic, started)
        await asyncio.sleep(2)
        if pause:
            await asyncio.to_thread(input, "Enter takes Redis away: ")
        pids = {"worker": worker.pid, "checkpointer": checkpointer.pid}
        pids |= {"Postgres": stack.postgres.pid or 0, "broker": stack.broker.pid or 0}
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        Path(f"/proc/{worker.pid}/clear_refs").write_text("5", encoding="ascii")  # its peak counts from here
        lost = traffic.from_now()
        await stack.valkey.kill()
        stack.valkey.erase()
        await stack.valkey.start()
        await traffic.all_decided()
        used = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
        used["Redis"] = cpu_seconds(stack.valkey.pid or 0)
        _tell("from the loss", traffic, lost)
        _say("processor seconds: " + ", ".join(f"{name} {value:.1f}" for name, value in used.items()))
        peaks = {"worker": worker.pid, "Redis": stack.valkey.pid or 0}
        _say("peak MiB: " + ", ".join(f"{name} {peak_bytes(pid) // MEBIBYTE}" for name, pid in peaks.items()))
        await _check(stack.redis_url, traffic, producer, wallets, ids)


async def _fill(dsn: str, wallets: int, ids: int, buckets: int) -> None:
    database = Database(dsn, command_seconds_max=None)
    async with database.connection() as connection:
        clock_ms = time.time_ns() // 1_000_000
        await make_books(connection, wallets=wallets, ids=ids, buckets=buckets, clock_ms=clock_ms)
    await database.close()


def _customers(wallets: int, buckets: int) -> list[list[str]]:
    """Return customers of each bucket whom its partition is for: the books were made without looking at that."""
    return [
        list(
            islice(
                (
                    name
                    for number in range(bucket, wallets, buckets)
                    if partition_of(name := f"customer-{number:08}", buckets) == bucket
                ),
                CUSTOMERS_A_BUCKET,
            )
        )
        for bucket in range(buckets)
    ]


@asynccontextmanager
async def _running(traffic: Traffic, customers: list[list[str]]) -> AsyncIterator[AIOKafkaProducer]:
    producer, consumer = traffic.kafka.producer(), traffic.kafka.reader()
    await producer.start()
    await consumer.start()
    consumer.subscribe([traffic.kafka.topic(Topic.DECISIONS)])
    traffic.tasks += [
        asyncio.create_task(traffic.send(producer, customers)),
        asyncio.create_task(traffic.watch(consumer)),
    ]
    try:
        yield producer
    finally:
        for task in traffic.tasks:
            task.cancel()
        await asyncio.gather(*traffic.tasks, return_exceptions=True)
        await consumer.stop()
        await producer.stop()


async def _check(url: str, traffic: Traffic, producer: AIOKafkaProducer, wallets: int, ids: int) -> None:
    """Look whether all is there again, and send an event of before once more."""
    async with Redis.from_url(url) as redis:
        found = {"wallets": 0, "ids": 0}
        async for key in redis.scan_iter(count=1_000):
            kind = key.decode().split(":")[1]
            if kind in found:
                found[kind] += await redis.hlen(key)
    if found["wallets"] != wallets or found["ids"] < ids:
        raise SystemExit(f"Redis has {found} of {wallets:,} wallets and {ids:,} ids")
    number = next(n for n in range(ids) if partition_of(f"customer-{n:08}", traffic.buckets) == n % traffic.buckets)
    name, event_id = f"customer-{number:08}", f"event-{number:012}"
    again = json.loads(text(name, event_id, AMERICA)[1]) | {"source": "/pipeline"}
    partition = number % traffic.buckets
    await producer.send_and_wait(
        traffic.kafka.topic(Topic.USAGE), json.dumps(again).encode(), key=name.encode(), partition=partition
    )
    ends_at = time.monotonic() + SECONDS_MAX
    while event_id not in traffic.repeats:
        if time.monotonic() > ends_at:
            raise SystemExit(f"{event_id} was not known for a repeat")
        await asyncio.sleep(0.05)
    _say(f"found again: {found['wallets']:,} wallets, {found['ids']:,} ids; a repeat of before is known")


def _tell(what: str, traffic: Traffic, since: float) -> None:
    seconds = sorted(at - since for at in traffic.decided.values())
    _say(f"{what} to the first decision: {seconds[0]:.1f} s in the first bucket, {seconds[-1]:.1f} s in the last")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wallets", type=int, nargs="?", default=1_000_000)
    parser.add_argument("ids", type=int, nargs="?", default=1_000_000)
    parser.add_argument("buckets", type=int, nargs="?", default=12)
    parser.add_argument("--broker", choices=("tansu", "apache"), default="tansu")
    parser.add_argument("--pause", action="store_true")
    arguments = parser.parse_args()
    uvloop.run(measure(arguments.wallets, arguments.ids, arguments.buckets, arguments.broker, pause=arguments.pause))
