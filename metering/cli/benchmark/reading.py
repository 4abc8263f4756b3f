"""Reads what comes to several topics by one request at a time, as a reader who takes little of the processors.

What aiokafka's own consumers do for each answer takes more than the records of a small one, and shares the processors
with what is measured: two of them took a tenth of a core more at 5,000 events/s. Leaves what is read to `latency`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.errors import for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords

from metering.cli.kafka import open_reader, topic_name
from metering.contracts.topics import Topic
from metering.record_batches import BatchesOfPartition, Record
from metering.settings import KafkaSettings

ANSWER_BYTES_MAX = 8 * 1024 * 1024
PARTITION_BYTES_MAX = 1024 * 1024
WAIT_MS_MAX = 500
"""For a broker that wakes who waits. The embedded one does not, and says so by `fetch_max_wait_ms`."""


class TopicsReader:
    """Reads all partitions of some topics of a stack's one broker, committed records only."""

    def __init__(self, client: AIOKafkaClient, broker: int, positions: dict[TopicPartition, int], wait_ms: int) -> None:
        """Prepare. `client` is connected and not used for anything else; reading begins at `positions`."""
        self._client, self._broker, self._wait_ms = client, broker, wait_ms
        self.positions = positions

    async def read(self) -> list[tuple[str, list[Record]]]:
        """Wait for something to come; return the records of each partition with its topic.

        Raises `KafkaError` of what the broker does not give. Interrupted, what was on its way is read the next time.
        """
        wanted: dict[str, list[tuple[int, int, int]]] = {}
        for (topic, number), position in self.positions.items():
            wanted.setdefault(topic, []).append((number, position, PARTITION_BYTES_MAX))
        ask = FetchRequest(self._wait_ms, 1, ANSWER_BYTES_MAX, READ_COMMITTED, list(wanted.items()))
        answer = await self._client.send(self._broker, ask)
        read: list[tuple[str, list[Record]]] = []
        for topic, partitions in answer.topics:
            for number, error, *_, aborted, _, data in partitions:
                if error:
                    raise for_code(error)
                if data:
                    partition = TopicPartition(topic, number)
                    records = self._unpack(partition, aborted, data)
                    read += [(topic, batch) for batch in records]
                    self.positions[partition] = records.next_fetch_offset
        return read

    def _unpack(self, partition: TopicPartition, aborted: list[tuple[int, int]], data: bytes) -> BatchesOfPartition:
        position, checks = self.positions[partition], True
        return BatchesOfPartition(partition, MemoryRecords(data), aborted, position, None, None, checks, READ_COMMITTED)


@asynccontextmanager
async def open_topics(kafka: KafkaSettings, topics: list[Topic], wait_ms: int) -> AsyncIterator[TopicsReader]:
    """Yield a reader that stands at the ends of these topics as of now. Raises `Fatal` without broker or topics."""
    positions: dict[TopicPartition, int] = {}
    for topic in topics:
        async with open_reader(kafka, topic) as consumer:
            for partition in consumer.assignment():
                positions[partition] = await consumer.position(partition)
    client = AIOKafkaClient(**kafka.client_options())
    await client.bootstrap()
    try:
        names = [topic_name(kafka, topic) for topic in topics]
        await asyncio.gather(*(client.add_topic(name) for name in names))
        yield TopicsReader(client, client.cluster.leader_for_partition(next(iter(positions))), positions, wait_ms)
    finally:
        await client.close()
