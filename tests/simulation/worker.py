"""A worker of the run: the real intake, buckets, claims and publishers, on the model servers.

Leaves what happens to it to `world`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from metering.contracts.entries import Position
from metering.contracts.topics import Topic
from metering.ledger.till import Windows
from metering.observe.metrics import WorkerMetrics
from metering.observe.steps import Step, Steps
from metering.rating import Catalog, load_catalog
from metering.settings import KafkaSettings, WorkerSettings
from metering.tasks import end_tasks
from metering.worker.bucket import Bucket
from metering.worker.intake import Intake
from metering.worker.parts import Parts
from metering.worker.publishing import PlainPublisher, Publisher, TransactionalPublisher
from metering.worker.rates import InForce
from metering.worker.sharing import Shares
from tests.end_to_end.system import RATES
from tests.simulation.books import BooksClient, ModelBooks
from tests.simulation.broker import Broker
from tests.simulation.consumer import GroupConsumer, Reader
from tests.simulation.group import Group
from tests.simulation.loop import Process, SimulatedLoop
from tests.simulation.model_redis import RedisClient, RedisServer
from tests.simulation.network import Network, Weather
from tests.simulation.producer import SimulatedProducer

PERIOD_MS = 7_000
"""How long a version of the rates is in force; all say the same, and a chunk ends where the next begins."""


@dataclass
class Servers:
    """Everything outside the workers."""

    loop: SimulatedLoop
    rng: random.Random
    weather: Weather
    broker: Broker
    redis: RedisServer
    books: ModelBooks
    group: Group
    buckets: int
    transactions: bool
    buckets_stopped: list[str] = field(default_factory=list)


class ModelKafka:
    """Makes clients of the model broker for one process, as `worker.kafka.Kafka` does of a real one."""

    def __init__(self, servers: Servers, network: Network, process: Process) -> None:
        self.settings = KafkaSettings(bootstrap="model:0")
        self.has_transactions = servers.transactions
        self._servers = servers
        self._network = network
        self._process = process
        self._made = 0

    def topic(self, topic: Topic | str) -> str:
        """Return a topic's full name."""
        return str(topic)

    def input_consumer(self) -> GroupConsumer:
        """Return the consumer of both input topics."""
        servers = self._servers
        consumer = GroupConsumer(servers.broker, self._network, servers.rng, servers.group)
        servers.group.register(consumer, self._process)
        return consumer

    def reader(self) -> Reader:
        """Return a consumer without a group."""
        return Reader(self._servers.broker, self._network, self._servers.rng)

    def producer(self) -> SimulatedProducer:
        """Return a producer outside transactions."""
        return self._make(None)

    def transactional_producer(self, bucket: int) -> SimulatedProducer:
        """Return the one producer that may write a bucket's ledger."""
        return self._make(f"bucket-{bucket}")

    def _make(self, transactional_id: str | None) -> SimulatedProducer:
        self._made += 1
        return SimulatedProducer(
            self._servers.broker,
            self._network,
            f"{self._process.name}-{self._made}",
            transactional_id=transactional_id,
            idempotent=self.has_transactions,
        )


class SteadyRates:
    """Versions that follow one another and all say the same."""

    async def at(self, clock_ms: int) -> InForce:
        """Return the version of a moment."""
        await asyncio.sleep(0)
        first = clock_ms // PERIOD_MS * PERIOD_MS
        return InForce(rates(), first, first + PERIOD_MS)


@cache
def rates() -> Catalog:
    """Return the rates of the tests, compiled."""
    catalog = load_catalog(RATES)
    catalog.compile()
    return catalog


@cache
def metrics() -> WorkerMetrics:
    """Return the one set of metrics: making one takes as long as a run."""
    return WorkerMetrics()


class Ambush(Steps):
    """Waits for a process to reach a step, and strikes once."""

    def __init__(self) -> None:
        self._waiting: dict[Step, Callable[[], None]] = {}

    def lay(self, step: Step, strike: Callable[[], None]) -> None:
        """Do `strike` when `step` is reached next."""
        self._waiting[step] = strike

    def reached(self, step: Step, bucket: int) -> None:  # noqa: ARG002  whichever bucket it is
        """Strike, if this is it."""
        if strike := self._waiting.pop(step, None):
            strike()


class SimulatedWorker:
    """One worker process."""

    def __init__(self, servers: Servers, name: str) -> None:
        self.process = Process(name)
        self.ambush = Ambush()
        self.stopping = False
        self.intake: Intake | None = None
        self._servers = servers

    def start(self) -> None:
        """Start the process."""
        self.process.spawn(self._run())

    def stop(self) -> None:
        """Ask it to stop, as SIGTERM does."""
        self.stopping = True
        self.process.spawn(self._leave())

    async def _run(self) -> None:
        servers = self._servers
        network = Network(servers.loop, servers.rng, servers.weather)
        kafka: Any = ModelKafka(servers, network, self.process)
        redis: Any = RedisClient(servers.redis, network)
        books: Any = BooksClient(servers.books, network)
        steady: Any = SteadyRates()
        parts = Parts(
            kafka=kafka,
            redis=redis,
            scripts=redis,
            books=books,
            consumer=kafka.input_consumer(),
            producer=kafka.producer(),
            rates=steady,
            windows=Windows(),
            metrics=metrics(),
            partitions=servers.buckets,
            chunk_events_max=5,
            shares=Shares(12),
            dead_letters_window_records=1_000,
            dead_letters_share_max=0.5,
            probe_seconds=1.0,
            now_ms=servers.broker.now_ms,
            steps=self.ambush,
        )

        def make(number: int, go_live: Callable[[int, Position], None]) -> Bucket:
            publisher: Publisher
            if kafka.has_transactions:
                publisher = TransactionalPublisher(kafka, number, parts.metrics.transactions, parts.steps)
            else:
                publisher = PlainPublisher(kafka, number, parts.producer, parts.consumer, parts.steps)
            return Bucket(number, parts, publisher, go_live)

        intake = self.intake = Intake(kafka, parts, make, WorkerSettings().buffered_bytes_max)
        intake.subscribe()
        self._reading = asyncio.create_task(intake.run())
        self._consumer = parts.consumer
        await parts.consumer.start()

    async def _leave(self) -> None:
        if self.intake is None:
            return
        await end_tasks(self._reading)
        await self.intake.stop()
        await self._consumer.stop()
        self.process.dead = True
