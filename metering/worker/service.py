"""Puts a worker together and runs it: the one place where its parts meet. Leaves the shell around it to `app`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from mode import Service
from redis.asyncio import Redis

from metering import native
from metering.checkpoint.books import CONNECTIONS_MAX, Books
from metering.checkpoint.database import Database
from metering.contracts.entries import Position
from metering.errors import broker_away
from metering.ledger.connection import check_redis, connect_redis
from metering.ledger.joined_calls import join_calls
from metering.ledger.till import Windows
from metering.observe.http_server import StatusServer
from metering.observe.metrics import WorkerMetrics
from metering.observe.steps import NO_STEPS, Steps
from metering.rating import Catalog, load_catalog
from metering.settings import Settings
from metering.tasks import end_tasks
from metering.worker.bucket import BEING_CLAIMED, Bucket
from metering.worker.intake import Intake
from metering.worker.kafka import Kafka
from metering.worker.parts import Parts
from metering.worker.producers import SharedProducer
from metering.worker.publishing import PlainPublisher, Publisher, TransactionalPublisher
from metering.worker.rates_follower import READ_AGE_SECONDS_MAX, RatesFollower
from metering.worker.sharing import Shares
from metering.worker.topics import bucket_count

log = structlog.get_logger(__name__)

PORT_DEFAULT = 9101


class WorkerService(Service):
    """The metering loop as a service: on stop it finishes its batches, publishes them, and leaves the group."""

    def __init__(self, settings: Settings, steps: Steps = NO_STEPS, **options: Any) -> None:
        super().__init__(**options)
        self.settings = settings
        self._steps = steps
        self.metrics = WorkerMetrics()
        self.kafka = Kafka(settings.kafka)
        self.intake: Intake | None = None
        self._redis: Redis | None = None
        self._database: Database | None = None
        self._rates: RatesFollower | None = None
        self._parts: Parts | None = None
        self._status: StatusServer | None = None
        self._reading: asyncio.Task[None] | None = None

    async def on_start(self) -> None:
        """Check what it stands on, then join the group. Raises `Fatal` with what to change."""
        settings = self.settings
        catalog = await asyncio.to_thread(_load_rates, settings.rates.dir)
        redis = self._redis = connect_redis(settings.redis.url)
        await check_redis(redis)
        partitions = await bucket_count(settings.kafka)
        mode = "transactions" if await self.kafka.detect_transactions() else "at_least_once"
        self.metrics.delivery.labels(mode).set(1)
        log.info("delivery_mode", mode=mode, buckets=partitions, rates_version=catalog.version)
        self.metrics.compiled_steps.set(int(native.in_use))
        log.info("hot_steps", compiled=native.in_use, why_not=native.REASON or None)
        windows = Windows.of(settings.ledger)
        self._database = Database(settings.postgres.dsn, connections_max=CONNECTIONS_MAX)
        rates = self._rates = RatesFollower(self.kafka, catalog, self.metrics)
        await rates.start()
        producer = SharedProducer(self.kafka.producer, self.metrics.producer_renewals)
        with self._broker_needed():
            await producer.start()
        consumer = self.kafka.input_consumer()
        self._parts = Parts(
            kafka=self.kafka,
            redis=redis,
            scripts=join_calls(redis),
            books=Books(self._database, windows),
            consumer=consumer,
            producer=producer,
            rates=rates,
            windows=windows,
            metrics=self.metrics,
            partitions=partitions,
            chunk_events_max=settings.worker.chunk_events_max,
            shares=Shares(settings.worker.buffered_events_max),
            dead_letters_window_records=settings.worker.dead_letters_window_records,
            dead_letters_share_max=settings.worker.dead_letters_share_max,
            probe_seconds=settings.worker.probe_seconds,
            steps=self._steps,
        )
        self.intake = Intake(self.kafka, self._parts, self._make_bucket, settings.worker.buffered_bytes_max)
        await self._serve_status()
        self.intake.subscribe()
        with self._broker_needed():
            await consumer.start()
        self._reading = asyncio.create_task(self.intake.run(), name="intake")

    async def on_stop(self) -> None:
        """Stop in this order; cut off in between, the next claim recovers it as after a crash.

        1. Stop reading. 2. Finish what is applied and publish it. 3. Leave the group. 4. Close connections.
        """
        if self._reading is not None:
            await end_tasks(self._reading)
        if self.intake is not None:
            await self.intake.stop()
        parts = self._parts
        if parts is not None:
            await parts.consumer.stop()
            await parts.producer.stop()
            await parts.scripts.aclose()
        if self._rates is not None:
            await self._rates.stop()
        if self._status is not None:
            await self._status.stop()
        if self._database is not None:
            await self._database.close()
        if self._redis is not None:
            await self._redis.aclose()

    def health(self) -> str | None:
        """Return None while the worker progresses or is idle, else which buckets stand still."""
        if self._reading is not None and self._reading.done():
            return "reading has ended"
        if self._rates is not None and self._rates.read_age_seconds > READ_AGE_SECONDS_MAX:
            return f"the topic of rates was last read {self._rates.read_age_seconds:.0f} s ago"
        stopped = [b.number for b in (self.intake.buckets.values() if self.intake else ()) if b.state == "stopped"]
        return f"buckets {stopped} stand still; see `metering bucket status`" if stopped else None

    async def wait_failed(self) -> None:
        """Return when the reading of the topics has ended, for whatever reason."""
        if self._reading is not None:
            await asyncio.wait([self._reading])

    @property
    def failure(self) -> BaseException | None:
        """What ended reading, if anything did: then the process ends and its buckets go elsewhere."""
        if self._reading is None or not self._reading.done():
            return None
        lost = "the broker's client has given up without a word"
        return RuntimeError(lost) if self._reading.cancelled() else self._reading.exception()

    @contextmanager
    def _broker_needed(self) -> Iterator[None]:
        """Say what to do where the broker has gone since the start asked it first."""
        try:
            yield
        except (KafkaError, OSError) as error:
            raise broker_away(self.settings.kafka.bootstrap, error) from error

    def _make_bucket(self, number: int, go_live: Callable[[int, Position], None]) -> Bucket:
        parts = self._parts
        assert parts is not None  # noqa: S101  for the type checker: buckets come after on_start
        publisher: Publisher
        if self.kafka.has_transactions:
            publisher = TransactionalPublisher(self.kafka, number, self.metrics.transactions, parts.steps)
        else:
            publisher = PlainPublisher(self.kafka, number, parts.producer, parts.consumer, parts.steps)
        return Bucket(number, parts, publisher, go_live)

    async def _serve_status(self) -> None:
        parts, metrics = self._parts, self.settings.metrics
        assert parts is not None  # noqa: S101  as above
        port = PORT_DEFAULT if metrics.port is None else metrics.port
        ready: dict[str, Callable[[], Awaitable[object]]] = {
            "redis": parts.redis.ping,
            "kafka": parts.producer.ask_broker,
            "buckets": self._check_claimed,
        }
        self._status = StatusServer(
            self.metrics.registry, host=metrics.host, port=port, health=self.health, ready=ready
        )
        await self._status.start()
        log.info("status_served", host=metrics.host, port=self._status.port)

    async def _check_claimed(self) -> None:
        buckets = self.intake.buckets.values() if self.intake else ()
        waiting = [bucket.number for bucket in buckets if bucket.state in BEING_CLAIMED]
        if waiting:
            raise RuntimeError(f"buckets {waiting} are being claimed")


def _load_rates(directory: Path | None) -> Catalog:
    """Load and compile the local version; in a thread, since it takes a moment."""
    catalog = load_catalog(directory)
    catalog.compile()
    return catalog
