"""Puts a worker together and runs it: the one place where its parts meet. Leaves the shell around it to `app`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from mode import Service
from redis.asyncio import Redis

from metering.checkpoint.books import CONNECTIONS_MAX, Books
from metering.checkpoint.database import Database
from metering.contracts.entries import Position
from metering.ledger.connection import check_redis, connect_redis
from metering.ledger.till import Windows
from metering.observe.http_server import StatusServer
from metering.observe.metrics import WorkerMetrics
from metering.observe.steps import NO_STEPS, Steps
from metering.rating import Catalog, load_catalog
from metering.settings import Settings
from metering.worker.bucket import Bucket, BucketState
from metering.worker.intake import Intake
from metering.worker.kafka import Kafka
from metering.worker.parts import Parts
from metering.worker.publishing import PlainPublisher, Publisher, TransactionalPublisher
from metering.worker.rates_follower import READ_AGE_SECONDS_MAX, RatesFollower
from metering.worker.tasks import end_tasks
from metering.worker.topics import bucket_count

log = structlog.get_logger(__name__)

PORT_DEFAULT = 9101
HOUR_MS = 3_600_000


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
        windows = Windows(
            settings.ledger.dedupe_window_hours * HOUR_MS, settings.ledger.command_window_days * 24 * HOUR_MS
        )
        self._database = Database(settings.postgres.dsn, connections_max=CONNECTIONS_MAX)
        rates = self._rates = RatesFollower(self.kafka, catalog, self.metrics)
        await rates.start()
        producer = self.kafka.producer()
        await producer.start()
        consumer = self.kafka.input_consumer()
        self._parts = Parts(
            kafka=self.kafka,
            redis=redis,
            books=Books(self._database, windows),
            consumer=consumer,
            producer=producer,
            rates=rates,
            windows=windows,
            metrics=self.metrics,
            partitions=partitions,
            chunk_events_max=settings.worker.chunk_events_max,
            batches_waiting_max=max(1, settings.worker.buffered_events_max // settings.worker.chunk_events_max),
            probe_seconds=settings.worker.probe_seconds,
            steps=self._steps,
        )
        self.intake = Intake(self.kafka, self._parts, self._make_bucket, settings.worker.buffered_events_max)
        await self._serve_status()
        self.intake.subscribe()
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

    async def wait_reading_ended(self) -> None:
        """Return when the reading of the topics has ended, for whatever reason."""
        if self._reading is not None:
            await asyncio.wait([self._reading])

    @property
    def failure(self) -> BaseException | None:
        """What ended the reading of the topics, if anything did: then the process ends and its buckets go elsewhere."""
        task = self._reading
        return task.exception() if task is not None and task.done() and not task.cancelled() else None

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
        ready = {
            "redis": parts.redis.ping,
            "kafka": parts.producer.client.fetch_all_metadata,
            "buckets": self._check_claimed,
        }
        self._status = StatusServer(
            self.metrics.registry, host=metrics.host, port=port, health=self.health, ready=ready
        )
        await self._status.start()
        log.info("status_served", host=metrics.host, port=self._status.port)

    async def _check_claimed(self) -> None:
        buckets = self.intake.buckets.values() if self.intake else ()
        waiting = [bucket.number for bucket in buckets if bucket.state is BucketState.CLAIMING]
        if waiting:
            raise RuntimeError(f"buckets {waiting} are being claimed")


def _load_rates(directory: Path | None) -> Catalog:
    """Load and compile the local version; in a thread, since it takes a moment."""
    catalog = load_catalog(directory)
    catalog.compile()
    return catalog
