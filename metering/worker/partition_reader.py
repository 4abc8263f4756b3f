"""Reads one partition forward to the end that it had at first sight. Leaves what the records mean to the caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from metering.contracts.topics import Topic
from metering.errors import BrokenInvariant, Retryable
from metering.worker.kafka import Kafka

Record: TypeAlias = ConsumerRecord

READ_SECONDS_MAX = 30.0
"""Without a single record for this long, and the end not reached, the reader gives up."""

POLL_MS = 100


class PartitionReader:
    """Committed records of one partition from an offset on.

    The end is the high-water mark that comes with a fetch. (Asked for the end offset, the embedded broker answers with
    that of its last batch's first record.)
    """

    def __init__(self, consumer: AIOKafkaConsumer, partition: TopicPartition, start: int) -> None:
        self._consumer = consumer
        self._partition = partition
        self._start = start
        self._end: int | None = None

    async def records(self) -> AsyncIterator[Record]:
        """Yield the records up to the end.

        Raises `Retryable` when none come, `BrokenInvariant` where the topic ends before the start.
        """
        loop = asyncio.get_running_loop()
        quiet_since = loop.time()
        while self._end is None or await self._consumer.position(self._partition) < self._end:
            read = await self._consumer.getmany(self._partition, timeout_ms=POLL_MS)
            self._note_end()
            for record in read.get(self._partition, ()):
                yield record
            if read:
                quiet_since = loop.time()
            elif loop.time() - quiet_since > READ_SECONDS_MAX:
                raise Retryable(
                    f"no record of {self._partition} for {READ_SECONDS_MAX:.0f} s, and its end is not reached"
                )

    def _note_end(self) -> None:
        if self._end is None:
            self._end = self._consumer.highwater(self._partition)
            if self._end is not None and self._end < self._start:
                raise BrokenInvariant(
                    f"{self._partition.topic}[{self._partition.partition}] ends at offset {self._end}, and was read"
                    f" up to {self._start} before: it has lost records, or is another topic"
                )


class RecordsByOffset:
    """Finds records of one partition by offset, forward only."""

    def __init__(self, reader: PartitionReader) -> None:
        self._source = reader.records()
        self._held: Record | None = None

    def put_back(self, record: Record) -> None:
        """Have `at` find a record again."""
        self._held = record

    async def at(self, offset: int) -> Record | None:
        """Return the record at `offset`, None where there is none; offsets must not fall from call to call."""
        while True:
            record = self._held or await anext(self._source, None)
            self._held = None
            if record is None or record.offset > offset:
                self._held = record
                return None
            if record.offset == offset:
                return record


@asynccontextmanager
async def open_partition(kafka: Kafka, topic: Topic, number: int, start: int = 0) -> AsyncIterator[PartitionReader]:
    """Open a reader of partition `number` from offset `start`. Raises `Retryable` when the broker does not answer."""
    partition = TopicPartition(kafka.topic(topic), number)
    consumer = kafka.reader()
    try:
        await consumer.start()
        consumer.assign([partition])
        consumer.seek(partition, start)
        yield PartitionReader(consumer, partition, start)
    except (KafkaError, OSError) as error:
        raise Retryable(f"{partition.topic}[{number}] could not be read: {error}") from error
    finally:
        await consumer.stop()
