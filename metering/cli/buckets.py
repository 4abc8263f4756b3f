"""Where buckets stand, gathered from Redis and the broker. Leaves what a position means to the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError
from msgspec import Struct

from metering.cli.kafka import count_buckets, topic_name
from metering.cli.output import format_table
from metering.contracts.entries import Position
from metering.contracts.topics import Topic
from metering.errors import Retryable
from metering.ledger.connection import connect_redis
from metering.ledger.live import BucketReader
from metering.ledger.standstill import Acceptance, MissingRecords, accept_missing, end_standstill, read_standstill
from metering.settings import KafkaSettings, Settings

FETCH_BYTES = 1_024
"""Only the high-water marks are wanted; a record that is larger comes all the same."""
MARKS_SECONDS_MAX = 10.0


class StoppedView(Struct, frozen=True):
    """Why a bucket waits for an operator, and since when (Unix milliseconds)."""

    since_ms: int
    reason: str
    why: str


class BucketView(Struct, frozen=True):
    """What `metering bucket status --json` prints of one bucket."""

    bucket: int
    owner: str | None
    """The consumer's client, the end of its member id, its host; None: nobody, or the broker does not tell."""
    loaded: bool
    """Whether Redis has its state; if not, it waits to be restored."""
    seq: int
    position: Position
    lag: Position
    """Records of each input topic that are not applied yet."""
    outbox_chunks: int
    holds_open: int
    clock_ms: int
    stopped: StoppedView | None


async def read_buckets(settings: Settings) -> list[BucketView]:
    """Return every bucket, by number. Raises `Fatal` without topics, `Retryable` when something does not answer."""
    kafka = settings.kafka
    count = await count_buckets(kafka)
    owners = await _read_owners(kafka)
    async with connect_redis(settings.redis.url) as redis:
        statuses = [await BucketReader(redis, bucket).status() for bucket in range(count)]
        standstills = [await read_standstill(redis, bucket) for bucket in range(count)]
    lags = await _read_lags(kafka, [status.position for status in statuses])
    return [
        BucketView(
            status.bucket,
            owners.get(status.bucket),
            status.loaded,
            status.seq,
            status.position,
            lag,
            status.outbox_chunks,
            status.charges_held,
            status.clock_ms,
            StoppedView(standstill.since_ms, standstill.reason, standstill.why) if standstill else None,
        )
        for status, lag, standstill in zip(statuses, lags, standstills, strict=True)
    ]


async def resume_buckets(settings: Settings, buckets: Sequence[int] | None) -> list[int]:
    """Let these buckets go on, or all, and return those that were stopped. Raises `Fatal`, `Retryable` likewise."""
    among = range(await count_buckets(settings.kafka)) if buckets is None else buckets
    async with connect_redis(settings.redis.url) as redis:
        return [bucket for bucket in among if await end_standstill(redis, bucket)]


async def accept_missing_records(settings: Settings, bucket: int, actor: str, why: str) -> tuple[MissingRecords, ...]:
    """Let a bucket go on without the records that it misses, and return which; none: it misses none. As above."""
    async with connect_redis(settings.redis.url) as redis:
        standing = await accept_missing(redis, bucket, Acceptance(actor, why))
    return standing.missing if standing else ()


def describe_buckets(buckets: Sequence[BucketView]) -> str:
    """Return a table, and below it why stopped buckets are stopped."""
    rows = [
        (
            str(view.bucket),
            "stopped" if view.stopped else "running" if view.loaded else "not loaded",
            f"{view.seq:,}",
            f"{view.position.usage:,}/{view.position.commands:,}",
            f"{view.lag.usage:,}/{view.lag.commands:,}",
            f"{view.holds_open:,}",
            f"{view.outbox_chunks:,}",
            view.owner or "-",
        )
        for view in buckets
    ]
    head = ("bucket", "state", "seq", "usage/commands", "lag", "holds", "outbox", "owner")
    stopped = [f"bucket {view.bucket} is stopped: {view.stopped.why}" for view in buckets if view.stopped]
    return "\n".join((format_table(head, rows, right=(0, 2, 3, 4, 5, 6)), *stopped))


async def _read_lags(kafka: KafkaSettings, positions: Sequence[Position]) -> list[Position]:
    """Return how far each bucket's positions are behind the high-water marks.

    The marks come with a fetch: the embedded broker's answer to "what is the end?" counts only the first record of the
    last batch.
    """
    starts: dict[TopicPartition, int] = {}
    for bucket, position in enumerate(positions):
        starts[TopicPartition(topic_name(kafka, Topic.USAGE), bucket)] = position.usage
        starts[TopicPartition(topic_name(kafka, Topic.COMMANDS), bucket)] = position.commands
    consumer = AIOKafkaConsumer(
        **kafka.client_options(),
        enable_auto_commit=False,
        fetch_max_wait_ms=kafka.fetch_max_wait_ms,
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    try:
        await consumer.start()
        consumer.assign(list(starts))
        for partition, offset in starts.items():
            consumer.seek(partition, offset)
        async with asyncio.timeout(MARKS_SECONDS_MAX):
            while any(consumer.highwater(partition) is None for partition in starts):
                await consumer.getmany(timeout_ms=20)
        behind = {partition: max(0, consumer.highwater(partition) - offset) for partition, offset in starts.items()}
    except (KafkaError, OSError, TimeoutError) as error:
        raise Retryable(f"the broker at {kafka.bootstrap} does not answer: {error}") from error
    finally:
        await consumer.stop()
    lags = list(behind.values())
    return [Position(usage, commands) for usage, commands in zip(lags[::2], lags[1::2], strict=True)]


async def _read_owners(kafka: KafkaSettings) -> dict[int, str]:
    """Return who the group has given each partition to; empty where the broker does not tell."""
    admin = AIOKafkaAdminClient(**kafka.client_options())
    try:
        await admin.start()
        (answer,) = await admin.describe_consumer_groups([kafka.group])
        return _parse_owners(answer, topic_name(kafka, Topic.USAGE))
    except (KafkaError, OSError, ValueError):
        return {}
    finally:
        await admin.close()


def _parse_owners(answer: Any, topic: str) -> dict[int, str]:
    owners: dict[int, str] = {}
    for _, _, _, _, _, members, *_ in answer.groups:
        for member, client, host, _metadata, assigned, *_rest in members:
            if not assigned:
                continue
            for name, partitions in ConsumerProtocolMemberAssignment.decode(assigned).assignment:
                if name == topic:
                    owners.update(dict.fromkeys(partitions, f"{client}-{member[-8:]}@{host.lstrip('/')}"))
    return owners
