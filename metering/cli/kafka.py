"""Connections to the broker for commands that publish or look. Leaves topics and consumer groups to the worker."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from metering.contracts.topics import Topic
from metering.errors import Fatal
from metering.settings import KafkaSettings
from metering.worker.topics import partition_counts

# One request of this size keeps the broker busy for about 10 ms; larger ones gain nothing.
BATCH_BYTES_MAX = 256 * 1024
# Above what a broker accepts by default (1 MiB), so that it is the broker who refuses, with its own reason.
REQUEST_BYTES_MAX = 8 * 1024 * 1024


def topic_name(kafka: KafkaSettings, topic: Topic) -> str:
    """Return a topic's name on the broker."""
    return kafka.topic_prefix + topic


@asynccontextmanager
async def open_producer(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaProducer]:
    """Yield a producer that waits for all replicas, idempotent where the broker can; flushed and closed on the way out.

    Without idempotence a retry may repeat records; the ledger knows them by their ids. Raises `Fatal` without a broker.
    """
    producer = await _start_producer(kafka, idempotent=True) or await _start_producer(kafka, idempotent=False)
    if producer is None:
        raise _no_broker(kafka)
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def open_reader(
    kafka: KafkaSettings, topic: Topic, kind: type[AIOKafkaConsumer] = AIOKafkaConsumer
) -> AsyncIterator[AIOKafkaConsumer]:
    """Yield a consumer of all of a topic's partitions, standing at their ends as of now; it joins no group.

    `kind` is what it is made as. Raises `Fatal` without a broker or without the topic.
    """
    name = topic_name(kafka, topic)
    consumer = kind(
        **kafka.client_options(),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=kafka.fetch_max_wait_ms,
    )
    with _quiet_client():
        try:
            await consumer.start()
        except KafkaError as error:
            await consumer.stop()
            raise _no_broker(kafka) from error
    try:
        partitions = await find_partitions(consumer._client, name)  # noqa: SLF001  the consumer has no call for it
        consumer.assign(partitions)
        for partition, end in (await consumer.end_offsets(partitions)).items():
            consumer.seek(partition, end)
        yield consumer
    finally:
        await consumer.stop()


async def find_partitions(client: AIOKafkaClient, name: str) -> list[TopicPartition]:
    """Return the partitions of topic `name` as the broker has them. Raises `Fatal` without the topic."""
    # Not `partitions_for`: asking for one topic by name would create it where the broker does that.
    cluster = await client.fetch_all_metadata()
    numbers = cluster.partitions_for_topic(name)
    if not numbers:
        raise _no_topic(name)
    return [TopicPartition(name, number) for number in sorted(numbers)]


async def count_buckets(kafka: KafkaSettings) -> int:
    """Return the number of buckets. Raises `Fatal` without topics, `Retryable` without a broker."""
    name = topic_name(kafka, Topic.USAGE)
    count = (await partition_counts(kafka)).get(name, 0)
    if not count:
        raise _no_topic(name)
    return count


async def _start_producer(kafka: KafkaSettings, *, idempotent: bool) -> AIOKafkaProducer | None:
    producer = AIOKafkaProducer(
        **kafka.client_options(),
        acks="all",
        enable_idempotence=idempotent,
        max_batch_size=BATCH_BYTES_MAX,
        max_request_size=REQUEST_BYTES_MAX,
    )
    with _quiet_client():
        try:
            await producer.start()
        except KafkaError:
            await producer.stop()
            return None
    return producer


class _quiet_client:  # noqa: N801  used like a function
    """Keeps the client's own lines from stderr while a failure is tried for: the command says what came of it."""

    def __enter__(self) -> None:
        self._logger = logging.getLogger("aiokafka")
        self._level = self._logger.level
        self._logger.setLevel(logging.CRITICAL + 1)

    def __exit__(self, *_: object) -> None:
        self._logger.setLevel(self._level)


def _no_topic(name: str) -> Fatal:
    return Fatal(f"the topic {name} does not exist; run: metering topics create")


def _no_broker(kafka: KafkaSettings) -> Fatal:
    return Fatal(f"no broker answers at {kafka.bootstrap}; METERING_KAFKA__BOOTSTRAP says where one is")
