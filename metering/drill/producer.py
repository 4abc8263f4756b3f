"""Sends what a drill makes, and remembers where it stands. Leaves what it is to `traffic`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Self

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from metering.contracts.partitioning import partition_of
from metering.contracts.topics import Topic
from metering.drill.traffic import Record
from metering.errors import Retryable
from metering.worker.kafka import Kafka


class DrillProducer:
    """Sends to `usage` and `commands`; `ends` is the offset after the last record of each partition."""

    def __init__(self, kafka: Kafka, producer: AIOKafkaProducer, partitions: int) -> None:
        self.partitions = partitions
        self.ends: dict[tuple[Topic, int], int] = {}
        self.records = 0
        self._kafka = kafka
        self._producer = producer

    @classmethod
    @asynccontextmanager
    async def opened(cls, kafka: Kafka, partitions: int) -> AsyncIterator[Self]:
        """Connect. Raises `Retryable` when the broker does not answer."""
        producer = kafka.producer()
        try:
            await producer.start()
        except (KafkaError, OSError) as error:
            await producer.stop()
            raise Retryable(f"the broker does not answer: {error}") from error
        try:
            yield cls(kafka, producer, partitions)
        finally:
            await producer.stop()

    async def send(self, records: Sequence[Record], topic: Topic = Topic.USAGE, *, shift: int = 0) -> None:
        """Send, and wait until the broker has it. `shift` moves each record so many partitions from its own.

        Raises `Retryable` when the broker does not take it: then the drill is over, as nobody knows what was written.
        """
        name = self._kafka.topic(topic)
        try:
            under_way = []
            for customer, value in records:
                partition = (partition_of(customer, self.partitions) + shift) % self.partitions
                under_way.append((partition, await self._producer.send(name, value, customer.encode(), partition)))
            for partition, sent in under_way:
                offset = (await sent).offset + 1
                self.ends[topic, partition] = max(self.ends.get((topic, partition), 0), offset)
        except (KafkaError, OSError) as error:
            raise Retryable(f"the broker did not take the drill's records: {error}") from error
        self.records += len(records)

    async def find_ends(self, topic: Topic) -> dict[int, int]:
        """Return the offset after the last record of each partition of a topic, as it is now."""
        partitions = [TopicPartition(self._kafka.topic(topic), number) for number in range(self.partitions)]
        reader = self._kafka.reader()
        try:
            await reader.start()
            reader.assign(partitions)
            found = await reader.end_offsets(partitions)
        except (KafkaError, OSError) as error:
            raise Retryable(f"the ends of {topic} could not be read: {error}") from error
        finally:
            await reader.stop()
        return {partition.partition: end for partition, end in found.items()}
