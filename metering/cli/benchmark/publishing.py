"""Events into the usage topic, a whole backlog. Leaves making them to `mixes`, and a pace to `gateway`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from metering.cli.benchmark.mixes import Event, customer_name

UNDER_WAY_MAX = 256
"""Batches on their way at once."""


class Batches:
    """Fills a batch for each partition."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, buckets: Sequence[int]) -> None:
        self._producer = producer
        self._topic = topic
        self._buckets = buckets
        self._open: dict[int, Any] = {}
        self._under_way: set[asyncio.Future[Any]] = set()
        self.events = 0
        self.asking = 0

    async def add(self, events: Iterable[Event]) -> None:
        """Put events into the batches of their customers; full ones go out."""
        for event in events:
            bucket, key = self._buckets[event.customer], customer_name(event.customer).encode()
            batch = self._open.get(bucket) or self._begin(bucket)
            if batch.append(key=key, value=event.value, timestamp=None) is None:
                await self._send(bucket)
                self._begin(bucket).append(key=key, value=event.value, timestamp=None)
            self.events += 1
            self.asking += event.asks

    async def send_all(self) -> None:
        """Send what there is."""
        for bucket in list(self._open):
            await self._send(bucket)

    async def finish(self) -> None:
        """Send what there is, and wait until the broker has all. Raises `KafkaError` where it does not take one."""
        await self.send_all()
        await asyncio.gather(*self._under_way)

    def _begin(self, bucket: int) -> Any:
        batch = self._open[bucket] = self._producer.create_batch()
        return batch

    async def _send(self, bucket: int) -> None:
        if len(self._under_way) >= UNDER_WAY_MAX:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        sent = await self._producer.send_batch(self._open.pop(bucket), self._topic, partition=bucket)
        self._under_way.add(sent)
        sent.add_done_callback(self._forget)

    def _forget(self, sent: asyncio.Future[Any]) -> None:
        if sent.exception() is None:  # one that failed stays, so that `finish` raises it
            self._under_way.discard(sent)
