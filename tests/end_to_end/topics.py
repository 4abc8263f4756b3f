"""Reads whole topics as a reader that sees committed records only. Leaves what they mean to `verifier`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from tests.end_to_end.system import System

QUIET_SECONDS_MAX = 15.0


@dataclass(frozen=True)
class Read:
    """One record; `value` decoded from JSON, None where it is a tombstone or no JSON."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    raw: bytes | None
    value: Any
    headers: tuple[tuple[str, bytes], ...]


async def read_topic(system: System, name: str) -> list[Read]:
    """Return every committed record of a topic, in the order of each partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=system.settings.kafka.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=20,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    topic = system.topic(name)
    await consumer.start()
    try:
        numbers = consumer.partitions_for_topic(topic) or await _find_partitions(consumer, topic)
        partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning()
        found: list[Read] = []
        for partition in partitions:
            consumer.pause(*partitions)
            consumer.resume(partition)
            found += await _read_partition(consumer, partition, ends[partition])
        return found
    finally:
        await consumer.stop()


async def _find_partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    await consumer._client.force_metadata_update()
    consumer._client.add_topic(topic)
    await consumer._client.force_metadata_update()
    numbers: set[int] | None = consumer.partitions_for_topic(topic)
    assert numbers, f"there is no topic {topic}"
    return numbers


async def _read_partition(consumer: AIOKafkaConsumer, partition: TopicPartition, end: int) -> list[Read]:
    found: list[Read] = []
    quiet_since = asyncio.get_running_loop().time()
    while await consumer.position(partition) < end:
        records = (await consumer.getmany(partition, timeout_ms=50)).get(partition, [])
        found += [_decode(record) for record in records]
        now = asyncio.get_running_loop().time()
        if records:
            quiet_since = now
        assert now - quiet_since < QUIET_SECONDS_MAX, f"{partition} stays below its end {end}"
    return found


def _decode(record: ConsumerRecord[bytes, bytes]) -> Read:
    try:
        value = orjson.loads(record.value) if record.value else None
    except orjson.JSONDecodeError:
        value = None
    headers = tuple(record.headers or ())
    return Read(record.partition, record.offset, record.timestamp, record.key, record.value, value, headers)
