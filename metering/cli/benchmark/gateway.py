"""Hands events to the broker at a pace, as a gateway's producer does. Leaves making them to `mixes`.

What aiokafka's own producer does for each batch takes more than the events of a small one, and shares the processors
with what is measured. So each request is put together here: one at a time, and what comes meanwhile goes in the next.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from metering.cli.benchmark.mixes import Event, Mix, customer_name
from metering.cli.kafka import BATCH_BYTES_MAX

TICK_SECONDS = 0.004
"""What has fallen due goes out this often, as from a gateway that gathers for a few milliseconds."""
ACKNOWLEDGED_BY_ALL = -1
REQUEST_SECONDS_MAX = 30


class Gateway:
    """Publishes events into one topic of a stack's one broker, and counts them."""

    def __init__(self, client: AIOKafkaClient, topic: str, buckets: Sequence[int]) -> None:
        """Prepare. `client` is connected and knows the topic; `buckets` are those of the customers."""
        self._client = client
        self._topic = topic
        self._buckets = buckets
        self._broker = client.cluster.leader_for_partition(TopicPartition(topic, 0))
        self._open: dict[int, Any] = {}
        self._sizes: dict[int, int] = {}
        self._sending: asyncio.Task[None] | None = None
        self.events = 0
        self.asking = 0

    async def hand(self, events: Iterable[Event]) -> None:
        """Hand events over; they go out at once, or after what is on its way. Raises what that came to.

        Waits where a batch is full: then the broker is behind.
        """
        batches, sizes, now_ms = self._open, self._sizes, time.time_ns() // 1_000_000
        for event in events:
            bucket, key = self._buckets[event.customer], customer_name(event.customer).encode()
            batch = batches.get(bucket) or self._begin(bucket)
            if batch.append(sizes[bucket], now_ms, key, event.value, []) is None:
                while bucket in batches:
                    self._send_on()
                    await asyncio.sleep(TICK_SECONDS)
                self._begin(bucket).append(0, now_ms, key, event.value, [])
            sizes[bucket] += 1
            self.events += 1
            self.asking += event.asks
        self._send_on()

    async def finish(self) -> None:
        """Return when the broker has all. Raises `KafkaError` where it does not take one."""
        if self._sending is not None:
            await self._sending

    def _begin(self, bucket: int) -> Any:
        batch = self._open[bucket] = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, BATCH_BYTES_MAX)
        self._sizes[bucket] = 0
        return batch

    def _send_on(self) -> None:
        if self._sending is not None and self._sending.done():
            self._sending.result()
            self._sending = None
        if self._sending is None and self._open:
            self._sending = asyncio.create_task(self._send(), name="gateway")

    async def _send(self) -> None:
        while self._open:
            batches = [(bucket, bytes(batch.build())) for bucket, batch in self._open.items()]
            self._open.clear()
            request = ProduceRequest(None, ACKNOWLEDGED_BY_ALL, REQUEST_SECONDS_MAX * 1_000, [(self._topic, batches)])
            answer = await self._client.send(self._broker, request)
            for _, partitions in answer.topics:
                for _, code, *_ in partitions:
                    if code:
                        raise for_code(code)


async def publish_at_pace(gateway: Gateway, mix: Mix, first: int, count: int, per_second: int) -> list[int]:
    """Publish `count` events evenly; return when each was handed to the gateway, monotonic nanoseconds.

    Where the machine cannot keep up, they go out as fast as it can: the report says what the pace came to.
    """
    handed: list[int] = []
    started = time.monotonic()
    while len(handed) < count:
        due = min(count, int((time.monotonic() - started) * per_second)) - len(handed)
        if due > 0:
            now = time.monotonic_ns()
            await gateway.hand(mix.events(first + len(handed), due))
            handed += [now] * due
        await asyncio.sleep(TICK_SECONDS)
    await gateway.finish()
    return handed
