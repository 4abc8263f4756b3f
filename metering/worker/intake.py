"""Reads both input topics and hands records to their buckets; holds reading back when a bucket has enough.

Leaves what happens to a record to `bucket`, and who owns which partition to the consumer group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from prometheus_client import Gauge

from metering.contracts.entries import Position
from metering.observe.metrics import WorkerMetrics
from metering.observe.steps import Step
from metering.record_batches import Record
from metering.worker.bucket import Bucket
from metering.worker.hearing import SILENCE_SECONDS_MAX, Hearing
from metering.worker.kafka import Kafka
from metering.worker.merging import INPUT_TOPICS, InputQueue, InputTopic
from metering.worker.parts import Parts

log = structlog.get_logger(__name__)

READ_PAUSE_SECONDS = 0.5


class _Half:
    """One of a bucket's two partitions: how far it is read, and when it was heard of."""

    __slots__ = ("hearing", "partition", "topic", "unread", "waiting")

    def __init__(self, topic: InputTopic, partition: TopicPartition, lag: Gauge) -> None:
        self.topic, self.partition, self.hearing = topic, partition, Hearing()
        self.unread = self.waiting = 0
        """Records that the broker has, and that wait in the bucket's queue."""
        lag.set_function(lambda: self.unread + self.waiting)


class _Pair:
    """Both partitions of a bucket. The metrics ask for its figures when they are read: polls are many."""

    __slots__ = ("halves",)

    def __init__(self, number: int, names: Mapping[InputTopic, str], metrics: WorkerMetrics) -> None:
        label = str(number)
        self.halves = [
            _Half(topic, TopicPartition(name, number), metrics.lag.labels(topic, label))
            for topic, name in names.items()
        ]
        metrics.buffered.labels(label).set_function(lambda: sum(half.waiting for half in self.halves))

    @property
    def left(self) -> int:
        """How many records the broker and the bucket's queue have."""
        return sum([half.unread + half.waiting for half in self.halves])


class Intake(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is not typed
    """Starts a bucket for each partition that the group assigns, and stops it when it is taken away."""

    def __init__(
        self,
        kafka: Kafka,
        parts: Parts,
        make_bucket: Callable[[int, Callable[[int, Position], None]], Bucket],
        bytes_max: int,
    ) -> None:
        self.buckets: dict[int, Bucket] = {}
        self._stopping = False
        self._consumer = parts.consumer
        self._metrics = parts.metrics
        self._steps = parts.steps
        self._make_bucket = make_bucket
        self._shares, self._bytes_max = parts.shares, bytes_max
        self._topics: dict[str, InputTopic] = {kafka.topic(topic): topic for topic in INPUT_TOPICS}
        self._names: dict[InputTopic, str] = {topic: name for name, topic in self._topics.items()}
        self._pairs: dict[int, _Pair] = {}
        """Of each bucket that was ever assigned."""
        self._silence_seconds_max = kafka.settings.fetch_max_wait_ms / 1_000 + SILENCE_SECONDS_MAX
        # Long enough for a batch under way, short enough for the group not to think the worker dead.
        self._patience_seconds = 10.0

    def subscribe(self) -> None:
        """Join the group for both topics."""
        self._consumer.subscribe(list(self._topics), listener=self)

    async def run(self) -> None:
        """Read until cancelled.

        Nothing may be awaited between the answer of `getmany` and the hand-over, or records could be older than a
        bucket's new reading position.
        """
        while True:
            if not self.buckets:
                await asyncio.sleep(0.02)
            read = await self._read()
            for partition, records in read.items():
                bucket = self.buckets.get(partition.partition)
                if bucket is not None and bucket.live:
                    bucket.queue.add(self._topics[partition.topic], records)
                    bucket.wake.set()
                    self._steps.reached(Step.POLLED, bucket.number)
            now = asyncio.get_running_loop().time()
            waiting = sum([len(bucket.queue) for bucket in self.buckets.values()])
            for bucket in self.buckets.values():
                if bucket.live:
                    self._note_progress(bucket, now, waiting)
            self._shares.hindmost = max(self.buckets, key=lambda number: self._pairs[number].left, default=None)

    async def stop(self) -> None:
        """Finish every bucket's work. The consumer is stopped after: so the group hears of it when all is published."""
        self._stopping = True
        await self._stop_buckets(list(self.buckets))

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Finish and publish what is applied before the partitions go to somebody else."""
        await self._stop_buckets({partition.partition for partition in revoked})

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Start to claim the buckets of which both partitions came; reading waits until each is claimed.

        None once the worker stops: nobody would end them before what they stand on is closed, and the group gives them
        to others as soon as it is left.
        """
        if self._stopping:
            return
        partitions = set(assigned)
        whole = {p.partition for p in partitions if self._pair(p.partition) <= partitions}
        if len(partitions) != 2 * len(whole):
            log.error("assignment_unpaired", partitions=sorted(str(p) for p in partitions))
        for number in sorted(whole):
            self._consumer.pause(*self._pair(number))
            for partition in self._pair(number):
                # Until its claim says where it is read from. Without any position the client would ask for one, over
                # and over while the claim lasts, and find that a new group has none.
                self._consumer.seek(partition, 0)
            self._pairs[number] = _Pair(number, self._names, self._metrics)
            bucket = self.buckets[number] = self._make_bucket(number, self._go_live)
            bucket.start()
        self._shares.buckets = len(self.buckets)
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
        now = asyncio.get_running_loop().time()
        for half in self._pairs[number].halves:
            half.hearing.begin(self._consumer.last_poll_timestamp(half.partition), now)
        self._consumer.resume(*pair)

    async def _read(self) -> dict[TopicPartition, list[Record]]:
        """Return what has come; nothing when there is nothing, or when it has to be tried again."""
        read: dict[TopicPartition, list[Record]] = {}
        try:
            read = await self._consumer.getmany(timeout_ms=50)
        except OffsetOutOfRangeError as error:
            self._note_out_of_range(error.args[0])
        except NoOffsetForPartitionError:
            # Of a partition that is new to the group, found out before it was told of. See `on_partitions_assigned`.
            pass
        except KafkaError as error:
            if not error.retriable:
                raise
            log.warning("reading_waits", why=str(error))
            await asyncio.sleep(READ_PAUSE_SECONDS)
        return read

    def _note_out_of_range(self, partitions: Iterable[TopicPartition]) -> None:
        """Stop reading buckets whose next record the broker does not have any more; each claims, and finds out why."""
        for number in {partition.partition for partition in partitions}:
            with suppress(IllegalStateError):
                self._consumer.pause(*self._pair(number))
            if number in self.buckets and self.buckets[number].live:
                self.buckets[number].note_out_of_range()

    def _note_progress(self, bucket: Bucket, now: float, waiting: int) -> None:
        """Tell a bucket how far its topics are read, and hold back each topic of which it has enough.

        `waiting` is how many events all buckets have read and not yet applied.
        Each topic by itself: the one of which nothing waits must go on, or the other's head could never be told older.
        Every poll comes by here for every bucket: nothing is made anew, and a bucket is woken only by what is new.
        """
        queue, pair = bucket.queue, self._pairs[bucket.number]
        try:
            progresses = [self._consumer.progress(half.partition) for half in pair.halves]
        except IllegalStateError:
            # A rebalance takes it away, and has not come to stopping the bucket yet.
            return
        for half, (position, end, stamp, is_paused) in zip(pair.halves, progresses, strict=True):
            topic = half.topic
            age = now - half.hearing.note(stamp, now)
            # Of a topic that is not read on, nobody tells what has come since it was paused.
            is_known = not is_paused and age <= self._silence_seconds_max
            if queue.note_end(topic, is_known and end is not None and position >= end):
                bucket.wake.set()
                if not (is_known or is_paused):
                    log.warning("input_topic_silent", bucket=bucket.number, topic=topic, seconds=round(age, 1))
            half.waiting = queue.waiting(topic)
            if end is not None:
                half.unread = max(0, end - position)
            if half.waiting or is_paused:
                self._hold_back(queue, half, waiting - half.waiting, stamp, now, is_paused=is_paused)

    def _hold_back(
        self, queue: InputQueue, half: _Half, others: int, stamp: int | None, now: float, *, is_paused: bool
    ) -> None:
        """Pause a topic of which a bucket has enough, and go on with one of which half of that is left.

        `others` is how many events all else have read and not yet applied.
        """
        shares = self._shares
        bytes_max = self._bytes_max / max(1, shares.buckets)
        full = max(half.waiting / shares.events_beside(others), queue.bytes_waiting(half.topic) / bytes_max)
        if is_paused:
            if full <= 1 / 2:
                half.hearing.begin(stamp, now)
                self._consumer.resume(half.partition)
        elif full > 1:
            self._consumer.pause(half.partition)
            queue.note_end(half.topic, at_end=False)

    async def _stop_buckets(self, numbers: Iterable[int]) -> None:
        leaving = [self.buckets.pop(number) for number in numbers if number in self.buckets]
        self._shares.buckets = len(self.buckets)
        await asyncio.gather(*(bucket.stop(self._patience_seconds) for bucket in leaving))
