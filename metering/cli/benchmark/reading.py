"""Reads what comes to several topics by one request at a time, as a reader who takes little of the processors.

What aiokafka's own consumers do for each answer takes more than the records of a small one, and shares the processors
with what is measured: two of them took as much as a quarter of what the worker did. Leaves what is read to `latency`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from struct import Struct
from typing import Any, NamedTuple, Self

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.record.memory_records import MemoryRecords

from metering.cli.kafka import open_reader, topic_name
from metering.contracts.topics import Topic
from metering.settings import KafkaSettings
from metering.worker.record_batches import BatchesOfPartition, Record

FETCH_KEY, FETCH_VERSION = 1, 4
"""The oldest version that Apache Kafka 4 still takes, and the first that tells of aborted transactions."""
READ_COMMITTED = 1
ANSWER_BYTES_MAX = 8 * 1024 * 1024
PARTITION_BYTES_MAX = 1024 * 1024
WAIT_MS_MAX = 500
"""For a broker that wakes who waits. The embedded one does not, and says so by `fetch_max_wait_ms`."""

_HEADER, _BODY, _COUNT, _LENGTH = Struct(">hhi"), Struct(">iiiib"), Struct(">i"), Struct(">h")
_WANTED, _FOUND, _ABORTED = Struct(">iqi"), Struct(">ihqq"), Struct(">qq")


class Found(NamedTuple):
    """What an answer has of one partition."""

    partition: TopicPartition
    error: int
    aborted: list[tuple[int, int]]
    """Producers, and from which offset on each wrote what was aborted."""
    records: bytes


class _Encoded(NamedTuple):
    """Bytes where aiokafka's connection wants something that it can encode."""

    data: bytes

    def encode(self) -> bytes:
        return self.data


class _Answer:
    """Parses an answer in one pass."""

    @staticmethod
    def decode(buffer: BytesIO) -> list[Found]:
        data, at = buffer.getvalue(), buffer.tell() + _COUNT.size  # past how long the broker holds us back
        found: list[Found] = []
        topics, at = _COUNT.unpack_from(data, at)[0], at + _COUNT.size
        for _ in range(topics):
            begin, at = at + _LENGTH.size, at + _LENGTH.size + _LENGTH.unpack_from(data, at)[0]
            topic = data[begin:at].decode()
            partitions, at = _COUNT.unpack_from(data, at)[0], at + _COUNT.size
            for _ in range(partitions):
                number, error, _, _ = _FOUND.unpack_from(data, at)
                at += _FOUND.size
                many, at = max(0, _COUNT.unpack_from(data, at)[0]), at + _COUNT.size
                aborted = [_ABORTED.unpack_from(data, at + place * _ABORTED.size) for place in range(many)]
                at += many * _ABORTED.size
                length, at = max(0, _COUNT.unpack_from(data, at)[0]), at + _COUNT.size
                if length or error:
                    found.append(Found(TopicPartition(topic, number), error, aborted, data[at : at + length]))
                at += length
        return found


class _Ask:
    """A request that is there as bytes already, in the form that aiokafka's connection sends."""

    RESPONSE_TYPE = _Answer

    def __init__(self, body: bytes) -> None:
        self._body = body

    def prepare(self, versions: Mapping[int, tuple[int, int]]) -> Self:
        del versions  # every broker that a stack can have knows this one
        return self

    def build_request_header(self, correlation_id: int, client_id: str) -> _Encoded:
        name = client_id.encode()
        header = _HEADER.pack(FETCH_KEY, FETCH_VERSION, correlation_id) + _LENGTH.pack(len(name)) + name
        return _Encoded(header)

    def encode(self) -> bytes:
        return self._body

    def parse_response_header(self, buffer: BytesIO) -> Any:
        return _ResponseHeader(_COUNT.unpack(buffer.read(_COUNT.size))[0])


class _ResponseHeader(NamedTuple):
    correlation_id: int


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
        answer: list[Found] = await self._client.send(self._broker, _Ask(self._body()))
        read: list[tuple[str, list[Record]]] = []
        for partition, error, aborted, data in answer:
            if error:
                raise for_code(error)
            records = BatchesOfPartition(
                partition,
                MemoryRecords(data),
                aborted,
                self.positions[partition],
                None,
                None,
                True,  # noqa: FBT003  as aiokafka itself calls it: checks checksums
                READ_COMMITTED,
            )
            read += [(partition.topic, batch) for batch in records]
            self.positions[partition] = records.next_fetch_offset
        return read

    def _body(self) -> bytes:
        topics: dict[str, list[bytes]] = {}
        for (topic, number), position in self.positions.items():
            topics.setdefault(topic, []).append(_WANTED.pack(number, position, PARTITION_BYTES_MAX))
        parts = [_BODY.pack(-1, self._wait_ms, 1, ANSWER_BYTES_MAX, READ_COMMITTED), _COUNT.pack(len(topics))]
        for topic, wanted in topics.items():
            name = topic.encode()
            parts += [_LENGTH.pack(len(name)), name, _COUNT.pack(len(wanted)), *wanted]
        return b"".join(parts)


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
