"""Reads both input topics and hands records to their buckets; holds reading back when a bucket has enough.

Leaves what happens to a record to `bucket`, and who owns which partition to the consumer group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from metering.contracts.entries import Position
from metering.observe.steps import Step
from metering.worker.bucket import Bucket
from metering.worker.kafka import Kafka
from metering.worker.merging import INPUT_TOPICS, InputTopic
from metering.worker.parts import Parts

log = structlog.get_logger(__name__)

READ_PAUSE_SECONDS = 0.5

RECORDS_READ_MAX = 4_000
"""Records of one poll over all buckets: a few milliseconds of handing over."""


class Intake(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is not typed
    """Starts a bucket for each partition that the group assigns, and stops it when it is taken away."""

    def __init__(
        self,
        kafka: Kafka,
        parts: Parts,
        make_bucket: Callable[[int, Callable[[int, Position], None]], Bucket],
        buffered_max: int,
    ) -> None:
        self.buckets: dict[int, Bucket] = {}
        self._consumer = parts.consumer
        self._metrics = parts.metrics
        self._steps = parts.steps
        self._make_bucket = make_bucket
        self._buffered_max = buffered_max
        self._topics: dict[str, InputTopic] = {kafka.topic(topic): topic for topic in INPUT_TOPICS}
        self._names: dict[InputTopic, str] = {topic: name for name, topic in self._topics.items()}
        # Long enough for a batch under way, short enough for the group not to think the worker dead.
        self._patience_seconds = 10.0

    def subscribe(self) -> None:
        """Join the group for both topics."""
        self._consumer.subscribe(list(self._topics), listener=self)

    async def run(self) -> None:
        """Read until cancelled.

        `getmany` is awaited directly: nothing may come between its answer and the hand-over, or records could be older
        than a bucket's new reading position.
        """
        while True:
            if not self.buckets:
                await asyncio.sleep(0.02)
            try:
                read = await self._consumer.getmany(timeout_ms=50, max_records=RECORDS_READ_MAX)
            except KafkaError as error:
                if not error.retriable:
                    raise
                log.warning("reading_waits", why=str(error))
                await asyncio.sleep(READ_PAUSE_SECONDS)
                continue
            for partition, records in read.items():
                bucket = self.buckets.get(partition.partition)
                if bucket is not None and bucket.live:
                    bucket.queue.add(self._topics[partition.topic], records)
                    self._steps.reached(Step.POLLED, bucket.number)
            for bucket in list(self.buckets.values()):
                if bucket.live:
                    # A rebalance can take a partition away between two lines.
                    with suppress(IllegalStateError):
                        await self._note_progress(bucket)

    async def stop(self) -> None:
        """Finish every bucket's work. The consumer is stopped after: so the group hears of it when all is published."""
        await self._stop_buckets(list(self.buckets))

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Finish and publish what is applied before the partitions go to somebody else."""
        await self._stop_buckets({partition.partition for partition in revoked})

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Start to claim the buckets of which both partitions came; reading waits until each is claimed."""
        partitions = set(assigned)
        whole = {p.partition for p in partitions if self._pair(p.partition) <= partitions}
        if len(partitions) != 2 * len(whole):
            log.error("assignment_unpaired", partitions=sorted(str(p) for p in partitions))
        for number in sorted(whole):
            self._consumer.pause(*self._pair(number))
            bucket = self.buckets[number] = self._make_bucket(number, self._go_live)
            bucket.start()
        log.info("buckets_assigned", buckets=sorted(whole))

    def _pair(self, number: int) -> set[TopicPartition]:
        return {TopicPartition(name, number) for name in self._topics}

    def _go_live(self, number: int, position: Position) -> None:
        """Move the reading position of a claimed bucket, and start to read."""
        pair = self._pair(number)
        if not pair <= self._consumer.assignment():
            return
        self._consumer.seek(TopicPartition(self._names["usage"], number), position.usage)
        self._consumer.seek(TopicPartition(self._names["commands"], number), position.commands)
        self._consumer.resume(*pair)

    async def _note_progress(self, bucket: Bucket) -> None:
        """Tell a bucket how far its topics are read, and hold back each topic of which it has enough.

        Each topic by itself: the one of which nothing waits must go on, or the other's head could never be told older.
        """
        for topic, name in self._names.items():
            partition = TopicPartition(name, bucket.number)
            if partition not in self._consumer.assignment():
                return
            end = self._consumer.last_stable_offset(partition) or self._consumer.highwater(partition)
            position = await self._consumer.position(partition)
            bucket.queue.note_end(topic, end is not None and position >= end)
            waiting = bucket.queue.waiting(topic)
            if end is not None:
                self._metrics.lag.labels(topic, str(bucket.number)).set(max(0, end - position) + waiting)
            paused = partition in self._consumer.paused()
            if waiting > self._buffered_max and not paused:
                self._consumer.pause(partition)
            elif waiting <= self._buffered_max // 2 and paused:
                self._consumer.resume(partition)
        self._metrics.buffered.labels(str(bucket.number)).set(len(bucket.queue))
        bucket.wake.set()

    async def _stop_buckets(self, numbers: Iterable[int]) -> None:
        leaving = [self.buckets.pop(number) for number in numbers if number in self.buckets]
        await asyncio.gather(*(bucket.stop(self._patience_seconds) for bucket in leaving))
