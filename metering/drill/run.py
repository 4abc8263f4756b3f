"""A drill from consent to proof. Leaves faults of its own to the producer's part of it, others to given commands.

1. Refuse a system in which the drill's customers are known. 2. Open them. 3. Stream, question and faults. 4. Wait until
the books have all of it. 5. Prove. Interrupted, the customers stay as they are; a drill of another seed has others.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Mapping
from contextlib import AsyncExitStack

from msgspec import Struct

from metering.checkpoint.database import Database
from metering.checkpoint.positions import read_position
from metering.contracts.fields import MAIN_WALLET
from metering.contracts.partitioning import partition_of
from metering.contracts.topics import Topic
from metering.drill.decisions import DecisionWatch
from metering.drill.producer import DrillProducer
from metering.drill.proof import Proof, prove
from metering.drill.schedule import Fault, Inject, Injected, Schedule
from metering.drill.traffic import DrillTraffic, Record
from metering.errors import Fatal, Retryable
from metering.ledger.connection import connect_redis
from metering.ledger.live import BucketReader
from metering.settings import Settings
from metering.worker.kafka import Kafka
from metering.worker.topics import bucket_count

PACE_SECONDS = 0.2
PAUSE_SECONDS = (1.0, 4.0)
SETTLE_SECONDS_MAX = 300.0
REMEMBERED = 300


class DrillOptions(Struct, frozen=True):
    """What a drill does. `breaks` are shell commands by name, such as one that kills a worker."""

    prefix: str
    seed: int
    seconds: float = 60.0
    per_second: int = 50
    plan: str = "payg-usd"
    unit: str = "USD"
    breaks: Mapping[str, str] = {}


class DrillReport(Struct):
    """What a drill did and came to."""

    seed: int
    records: int
    faults: dict[str, int]
    injected: list[Injected]
    recoveries: list[float]
    """Seconds until every bucket decided again, after each of the given commands, sorted."""
    longest_decision_seconds: float
    settled_seconds: float
    proof: Proof


class Drill:
    """One drill on the system that the settings name."""

    def __init__(self, settings: Settings, options: DrillOptions) -> None:
        self._settings = settings
        self._options = options
        self._kafka = Kafka(settings.kafka)
        self._recent: deque[Record] = deque(maxlen=REMEMBERED)
        self._stopping = False

    async def run(self) -> DrillReport:
        """Run it. Raises `Fatal` where the customers exist, `Retryable` when the system does not come to rest."""
        options = self._options
        partitions = await bucket_count(self._settings.kafka)
        await self._kafka.detect_transactions()
        self.traffic = DrillTraffic(options.prefix, options.seed, partitions, plan=options.plan, unit=options.unit)
        self._watch = DecisionWatch(self._settings.kafka, range(partitions))
        schedule = Schedule(self._faults(), options.seed, PAUSE_SECONDS)
        async with AsyncExitStack() as stack:
            redis = await stack.enter_async_context(connect_redis(self._settings.redis.url))
            database = Database(self._settings.postgres.dsn)
            stack.push_async_callback(database.close)
            producer = self._producer = await stack.enter_async_context(DrillProducer.opened(self._kafka, partitions))
            for customer in self.traffic.customers:
                if await BucketReader(redis, partition_of(customer, partitions)).wallet(customer, MAIN_WALLET):
                    raise Fatal(f"customer {customer} exists already: take another --seed or --customers")
            starts = {topic: await producer.find_ends(topic) for topic in (Topic.LEDGER, Topic.DECISIONS)}
            await producer.send(self.traffic.opening(), Topic.COMMANDS)
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(self._watch.listen())
                streaming = group.create_task(self._stream())
                await self._watch.flowing(time.monotonic())
                started = time.monotonic()
                await schedule.run_each()
                await schedule.run_for(options.seconds - (time.monotonic() - started))
                self._stopping = True
                await streaming
                listening.cancel()
            settled = await self._settle(database, producer)
            proof = await prove(self._kafka, redis, database, self.traffic, starts)
        return DrillReport(
            seed=options.seed,
            records=producer.records,
            faults=schedule.counts(),
            injected=schedule.injected,
            recoveries=sorted(schedule.recoveries()),
            longest_decision_seconds=round(self._watch.longest_seconds, 3),
            settled_seconds=round(settled, 1),
            proof=proof,
        )

    async def _stream(self) -> None:
        while not self._stopping:
            await self._ask()
            events = self.traffic.spend(max(1, int(self._options.per_second * PACE_SECONDS)))
            self._recent.extend(events)
            await self._producer.send(events)
            await asyncio.sleep(PACE_SECONDS)
        # Last in every bucket comes something that has an entry: so the books show when they have all.
        await self._ask()

    async def _ask(self) -> None:
        for event_id, records in self.traffic.questions():
            self._watch.note_asked(event_id)
            await self._producer.send(records)

    def _faults(self) -> list[Fault]:
        own = [
            Fault("producer", "repeats", self._repeat),
            Fault("producer", "reorders", self._reorder),
            Fault("producer", "wrong_partition", self._misplace),
            Fault("producer", "poison", self._poison),
            Fault("producer", "command_twice", self._top_up_twice),
        ]
        return [
            *own,
            *(Fault("given", name, self._make_break(command)) for name, command in self._options.breaks.items()),
        ]

    async def _repeat(self, _: random.Random) -> float | None:
        await self._producer.send(list(self._recent))
        return None

    async def _reorder(self, rng: random.Random) -> float | None:
        # A correction must not come before what it corrects; apart from that, order is free.
        events = self.traffic.spend(50, corrected=0.0)
        rng.shuffle(events)
        await self._producer.send(events)
        return None

    async def _misplace(self, rng: random.Random) -> float | None:
        await self._producer.send(self.traffic.spend(20), shift=rng.randrange(self._producer.partitions))
        return None

    async def _poison(self, _: random.Random) -> float | None:
        await self._producer.send(self.traffic.poison())
        return None

    async def _top_up_twice(self, _: random.Random) -> float | None:
        await self._producer.send(self.traffic.top_up(), Topic.COMMANDS)
        return None

    def _make_break(self, command: str) -> Inject:
        async def run(_: random.Random) -> float | None:
            """Run the command, and measure from its end how long it takes until every bucket decides again."""
            process = await asyncio.create_subprocess_shell(command)
            code = await process.wait()
            if code != 0:
                raise Fatal(f"the command {command!r} ended with {code}")
            return await self._watch.flowing(time.monotonic())

        return run

    async def _settle(self, database: Database, producer: DrillProducer) -> float:
        """Wait until the books have all that was sent."""
        started = time.monotonic()
        while True:
            behind = [
                bucket for bucket in range(producer.partitions) if await self._is_behind(database, producer, bucket)
            ]
            if not behind:
                return time.monotonic() - started
            if time.monotonic() - started > SETTLE_SECONDS_MAX:
                raise Retryable(
                    f"the books of buckets {behind} have not got the drill's records: is a checkpointer up?"
                )
            await asyncio.sleep(PACE_SECONDS)

    async def _is_behind(self, database: Database, producer: DrillProducer, bucket: int) -> bool:
        async with database.connection() as connection:
            found = await read_position(connection, bucket)
        usage, commands = (producer.ends.get((topic, bucket), 0) for topic in (Topic.USAGE, Topic.COMMANDS))
        return found is None or found.head.usage < usage or found.head.commands < commands
