"""How far a run has come: what is committed in the usage topic is done, what Redis has applied is begun."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from redis.asyncio import Redis

from metering.errors import Fatal
from metering.ledger.head import HEAD_FIELD, StoredHead
from metering.ledger.keys import BucketKeys
from metering.settings import KafkaSettings

POLL_SECONDS = 0.02
"""A backlog of a few thousand events is over in a tenth of a second."""


class Committed:
    """Reads a group's offsets without joining it. As a context manager: connected inside."""

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self._consumer = AIOKafkaConsumer(**kafka.client_options(), group_id=kafka.group, enable_auto_commit=False)
        self._partitions = [TopicPartition(topic, number) for number in range(kafka.partitions)]

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        self._consumer.assign(self._partitions)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def count(self) -> int:
        """Return the sum of the offsets over all partitions, by one request: the broker shares the processors."""
        # The consumer's public call asks for one partition at a time: 400 requests a second from 8 of them.
        coordinator = self._consumer._coordinator  # noqa: SLF001
        committed = await coordinator.fetch_committed_offsets(self._partitions)
        return sum(max(0, kept.offset) for kept in committed.values())


async def applied_entries(redis: Redis, partitions: int) -> int:
    """Return how many entries Redis has made, over all buckets: without commands, as many as events were applied."""
    pipe = redis.pipeline(transaction=False)
    for number in range(partitions):
        pipe.hget(BucketKeys(number).meta, HEAD_FIELD)
    return sum(StoredHead.of_field(head).head.seq for head in await pipe.execute() if head)


async def wait_until(
    reached: Callable[[], Awaitable[int]], wanted: int, seconds_max: float, check: Callable[[], None]
) -> tuple[float, int]:
    """Return when `reached` first said `wanted` or more (monotonic seconds), and what it said.

    `check` raises where nothing more can come. Raises `Fatal` after `seconds_max`.
    """
    deadline = time.monotonic() + seconds_max
    while (count := await reached()) < wanted:
        check()
        if time.monotonic() > deadline:
            raise Fatal(f"only {count:,} of {wanted:,} were done after {seconds_max:.0f} s")
        await asyncio.sleep(POLL_SECONDS)
    return time.monotonic(), count
