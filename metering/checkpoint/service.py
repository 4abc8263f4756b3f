"""The checkpointer: reads `ledger` and keeps one writer a bucket.

Leaves the books to `writer`, and settings and HTTP to its caller.

The consumer group only shares out the buckets. Where to read stands in the position rows of Postgres, never in
committed offsets, and a bucket that two of us hold for a moment is kept right by Postgres, not by the group.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError
from mode import Service

from metering import native
from metering.checkpoint.backlog import Bound
from metering.checkpoint.database import BooksAway, Database
from metering.checkpoint.partitions import Partitions
from metering.checkpoint.retention_rounds import Retention
from metering.checkpoint.schema import check_schema
from metering.checkpoint.writer import FlushLimits, Shared, Writer, WriterState
from metering.connections import use_own_connections
from metering.errors import Fatal, broker_away, ensure
from metering.ledger.till import Windows
from metering.observe.metrics import CheckpointerMetrics
from metering.observe.steps import NO_STEPS, Steps
from metering.record_batches import BatchConsumer

log = structlog.get_logger(__name__)

use_own_connections()

POLL_MS = 200
FETCH_BYTES_MAX = 512 * 1024
"""Of one answer of a broker: 430 entries, or 4,000 that are compressed. By so much the bound on waiting entries can be
passed, twice: the next answer is on its way while one is handed out."""

PARTITION_FETCH_BYTES_MAX = 128 * 1024
"""Of one partition in it. A larger batch comes alone all the same."""

GIVE_UP_SECONDS = 3.0
"""What a revoked bucket may take to write what it has.

The group waits for it, and the next owner reads the rest again anyway.
"""

STUCK_SECONDS = 60.0
"""A loop that turns five times a second and has not for a minute is stuck."""

AWAY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class CheckpointerOptions:
    """All that a checkpointer needs to know. The reasons for the values stand in the settings of the same names."""

    bootstrap: str
    dsn: str
    ledger_topic: str = "ledger"
    group: str = "metering-checkpointer"
    partitions: int | None = None
    """Refuse to start when the topic has another number; None: take what there is."""
    flush_seconds: float = 1.0
    flush_entries: int = 5_000
    buffered_entries_max: int = 50_000
    session_timeout_ms: int = 6_000
    fetch_max_wait_ms: int = 20
    connections_max: int = 4
    """Buckets written at the same time."""
    retention_days: int | None = None
    """None: everything is kept."""
    retention_look_seconds: float = 60.0
    """Between two looks at what is past the retention: it moves on by days."""
    windows: Windows = field(default_factory=Windows)
    client: Mapping[str, Any] = field(default_factory=dict)
    """How to get in where the brokers ask who one is: more of aiokafka's own options."""


class Checkpointer(Service):
    """Keeps the books of the buckets that the group assigns to it.

    Raises `Fatal` when the schema or the topic is not what this program needs, `Retryable` when no broker answers at
    the start. Postgres may be away at any time, the start included.
    """

    def __init__(
        self, options: CheckpointerOptions, metrics: CheckpointerMetrics | None = None, steps: Steps = NO_STEPS
    ) -> None:
        super().__init__()
        self.options = options
        self.metrics = metrics or CheckpointerMetrics()
        self.writers: dict[int, Writer] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._shared = Shared(
            database=Database(options.dsn, connections_max=options.connections_max),
            metrics=self.metrics,
            limits=FlushLimits(options.flush_seconds, options.flush_entries),
            windows=options.windows,
            bound=Bound(options.buffered_entries_max),
            partitions=Partitions(),
            turns=asyncio.Semaphore(options.connections_max),
            steps=steps,
        )
        self._retention = Retention(options.dsn, options.retention_days, options.windows, self.metrics)
        self._consumer: BatchConsumer | None = None
        self._turned_seconds = time.monotonic()
        self._paused = False

    async def on_start(self) -> None:
        """Check the books' schema, then join the group."""
        await self._check_schema()
        self.metrics.compiled_steps.set(int(native.in_use))
        log.info("hot_steps", compiled=native.in_use, why_not=native.REASON or None)
        options = self.options
        consumer = self._consumer = BatchConsumer(
            **{"bootstrap_servers": options.bootstrap, **options.client},
            group_id=options.group,
            isolation_level="read_committed",
            # Where the books begin; with "latest" a new bucket's first entries would silently be passed over.
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=options.session_timeout_ms,
            heartbeat_interval_ms=options.session_timeout_ms // 4,
            fetch_max_wait_ms=options.fetch_max_wait_ms,
            fetch_max_bytes=FETCH_BYTES_MAX,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES_MAX,
        )
        consumer.subscribe([options.ledger_topic], listener=_Listener(self))
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            raise broker_away(options.bootstrap, error) from error
        self._check_partitions(consumer)

    async def on_stop(self) -> None:
        """Write what is there, leave the group, close. Stopped in between, the rest is read again by the next owner."""
        await self.release(list(self.writers))
        if self._consumer is not None:
            await self._consumer.stop()
        await self._shared.database.close()
        await self._retention.close()

    def health(self) -> str | None:
        """Return None while it progresses or is idle, else what stands still.

        Postgres being away is no reason to restart us.
        """
        stopped = sorted(bucket for bucket, writer in self.writers.items() if writer.state is WriterState.STOPPED)
        if time.monotonic() - self._turned_seconds > STUCK_SECONDS:
            return f"the ledger has not been read for {STUCK_SECONDS:.0f} s"
        return f"buckets {stopped} stand still: their entries contradict the books" if stopped else None

    async def check_postgres(self) -> None:
        """Return when Postgres answers. Raises `BooksAway`."""
        async with self._shared.database.connection() as connection:
            await connection.fetchval("SELECT 1")

    @Service.task
    async def _read(self) -> None:
        consumer = self._consumer
        ensure(consumer is not None, "the consumer is made before reading starts")
        while consumer is not None and not self.should_stop:
            self._hold_back(consumer)
            try:
                records = await consumer.getmany(timeout_ms=POLL_MS)
            except KafkaError as error:
                if not error.retriable:
                    raise
                log.warning("reading_waits", why=str(error))
                await self.sleep(AWAY_SECONDS)
                continue
            for partition, read in records.items():
                writer = self.writers.get(partition.partition)
                if writer is not None:
                    writer.put(read)
            self._turned_seconds = time.monotonic()

    @Service.timer(1.0)
    async def _tell(self) -> None:
        metrics, consumer = self.metrics, self._consumer
        metrics.buffered.set(self._shared.bound.entries)
        for bucket, writer in list(self.writers.items()):
            metrics.age_seconds.labels(str(bucket)).set(writer.age_seconds)
            if consumer is None:
                continue
            partition = TopicPartition(self.options.ledger_topic, bucket)
            # A rebalance may take the partition away in between, and before the first fetch nobody knows the end.
            with suppress(IllegalStateError, KafkaError):
                end = consumer.highwater(partition)
                if end is None:
                    continue
                # Where reading stands, not the last entry: what marks a transaction's end is a record as well.
                is_read = writer.state is WriterState.WRITING
                next_offset = await consumer.position(partition) if is_read else writer.ledger_offset
                metrics.lag.labels(str(bucket)).set(max(0, end - next_offset) + len(writer.backlog))

    @Service.task
    async def _put_away(self) -> None:
        while self.options.retention_days is not None and not self.should_stop:
            await self._retention.run()
            await self.sleep(self.options.retention_look_seconds)

    async def take(self, buckets: Collection[int]) -> None:
        """Begin to keep the books of `buckets`. Does not wait: a rebalance must not hang on Postgres.

        None once it stops: nobody would end their writers before what they stand on is closed.
        """
        if self.should_stop:
            return
        for bucket in buckets:
            writer = self.writers[bucket] = Writer(bucket, self._shared, self._make_seek(bucket))
            task = self._running[bucket] = asyncio.create_task(writer.run(), name=f"checkpoint-{bucket}")
            task.add_done_callback(self._on_ended)

    async def release(self, buckets: Collection[int]) -> None:
        """End the writers of `buckets`. They write what they have if Postgres lets them in time, else they drop it."""
        writers = [
            (self.writers.pop(bucket), self._running.pop(bucket)) for bucket in buckets if bucket in self.writers
        ]
        for writer, _ in writers:
            writer.close()
        if writers:
            _, late = await asyncio.wait([task for _, task in writers], timeout=GIVE_UP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for writer, _ in writers:
            for gauge in (self.metrics.age_seconds, self.metrics.lag, self.metrics.seq):
                gauge.remove(str(writer.bucket))

    def _on_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.add_future(self.crash(error))

    def _make_seek(self, bucket: int) -> Callable[[int], None]:
        partition = TopicPartition(self.options.ledger_topic, bucket)

        def seek(offset: int) -> None:
            if self._consumer is not None and partition in self._consumer.assignment():
                self._consumer.seek(partition, offset)

        return seek

    def _hold_back(self, consumer: BatchConsumer) -> None:
        """Pause while too much waits, go on when half is written.

        The group goes on seeing us, since we go on asking.
        """
        bound, assigned = self._shared.bound, consumer.assignment()
        if bound.is_full:
            self._paused = True
            consumer.pause(*assigned)
        elif self._paused and bound.has_room:
            self._paused = False
            consumer.resume(*assigned)

    async def _check_schema(self) -> None:
        while not self.should_stop:
            try:
                await check_schema(self.options.dsn)
            except BooksAway as error:
                log.warning("books_away", why=str(error))
                await self.sleep(AWAY_SECONDS)
            else:
                return

    def _check_partitions(self, consumer: BatchConsumer) -> None:
        wanted = self.options.partitions
        found = len(consumer.partitions_for_topic(self.options.ledger_topic) or ())
        if wanted is not None and found != wanted:
            raise Fatal(f"topic {self.options.ledger_topic} has {found} partitions, {wanted} are set")


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Tells the checkpointer which buckets are its own."""

    def __init__(self, checkpointer: Checkpointer) -> None:
        self._checkpointer = checkpointer

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        await self._checkpointer.release([partition.partition for partition in revoked])

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        await self._checkpointer.take([partition.partition for partition in assigned])
