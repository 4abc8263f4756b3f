"""Tells the group how far a bucket is, where the broker has no transactions. Leaves positions to Redis and the books.

Nobody starts from these offsets there: they are for tools that show lag. So nothing waits for them, and nothing hangs
on whether they arrive.
"""

from __future__ import annotations

import asyncio

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from metering.tasks import end_tasks

log = structlog.get_logger(__name__)

LAST_SECONDS_MAX = 2.0
"""How long the end of a bucket waits for what was last told: then tools show it as read, which saves a question."""


class OffsetHints:
    """One bucket's offsets on their way: one request at a time, and after it the newest."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._next: dict[TopicPartition, int] | None = None
        self._task: asyncio.Task[None] | None = None

    def tell(self, offsets: dict[TopicPartition, int]) -> None:
        """Have the offsets committed in the background, unless newer ones come before their turn."""
        self._next = offsets
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._commit())

    async def stop(self) -> None:
        """Give what was last told a moment, and let go. Interrupted, it lets go at once."""
        task, self._task = self._task, None
        if task is not None:
            try:
                await asyncio.wait([task], timeout=LAST_SECONDS_MAX)
            finally:
                task.cancel()
            await end_tasks(task)

    async def _commit(self) -> None:
        while self._next is not None:
            offsets, self._next = self._next, None
            if offsets.keys() <= self._consumer.assignment():
                try:
                    await self._consumer.commit(offsets)
                except KafkaError as error:
                    log.info("offsets_not_committed", why=f"{type(error).__name__}: {error}")
