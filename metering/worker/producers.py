"""Closes producers, and makes the one that all buckets share anew once the broker takes nothing more from it.

Leaves what is sent to `sending`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata
from prometheus_client import Counter

from metering.tasks import end_tasks
from metering.worker.batch_producer import BatchProducer

log = structlog.get_logger(__name__)

Delivery = asyncio.Future[RecordMetadata]

OPEN_SECONDS_MAX = 30.0
"""A broker opens a producer in milliseconds; the client alone would ask for as long as it takes."""

CLOSE_SECONDS_MAX = 10.0
"""For what is still under way. Nothing is lost after it: what was not acknowledged is sent again from the outbox."""


def error_of(delivery: Delivery) -> BaseException | None:
    """Return what became of a delivery. One that the client dropped without a word is an error as well."""
    return ConnectionError("the client dropped a batch") if delivery.cancelled() else delivery.exception()


async def close_producer(producer: BatchProducer) -> None:
    """Send what is under way, for a bounded time, and close the connections. Never raises what the client does.

    What is under way after that time is dropped, and whoever waits for it is told so.
    """
    with suppress(KafkaError, OSError):
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await producer.stop()
            return
    sending = _sending_of(producer)
    if sending is not None:
        await end_tasks(sending)
        producer._message_accumulator.fail_all(ConnectionError("its producer was closed"))  # noqa: SLF001  as below
    await producer.client.close()


class SharedProducer:
    """Sends outside transactions for all buckets of a worker, for as long as the worker lives.

    A broker tells a producer's repeats by the numbers of its records in a partition. What it refuses for good the
    client has counted and the broker has not, so that it refuses everything after it as well: aiokafka never begins to
    count anew. So a producer of which a delivery has failed is given up, and one whose task has ended; the next batch
    goes through a new one. What the old one has under way it still sends, and what is not acknowledged the buckets
    send again from their outboxes, under the same ids.
    """

    def __init__(self, make: Callable[[], BatchProducer], renewals: Counter) -> None:
        """Prepare. `make` makes a producer that is not started, `renewals` counts the later ones."""
        self._make = make
        self._renewals = renewals
        self._producer: BatchProducer | None = None
        self._failed: str | None = None
        self._opening = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect. Raises `KafkaError` or `OSError` when the broker does not answer."""
        await self._usable()

    async def stop(self) -> None:
        """Send what is under way, for a bounded time, and close."""
        producer, self._producer = self._producer, None
        if producer is not None:
            self._close(producer)
        if self._closing:
            await asyncio.wait(self._closing)

    def create_batch(self) -> Any:
        """Return an empty batch; it goes through whichever producer there is when it is sent."""
        if self._producer is None:
            raise ConnectionError("the producer is closed")
        return self._producer.create_batch()

    def fill_batch(self, keys: Sequence[bytes], values: Sequence[bytes], first: int = 0) -> Any:
        """Return a batch of records, see `BatchProducer`; it goes through whichever producer there is then."""
        if self._producer is None:
            raise ConnectionError("the producer is closed")
        return self._producer.fill_batch(keys, values, first)

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Delivery:
        """Hand a batch over; the future tells of its delivery. Raises `KafkaError` or `OSError` when it cannot."""
        producer = await self._usable()
        delivery: Delivery = await producer.send_batch(batch, topic, partition=partition)
        delivery.add_done_callback(partial(self._note, producer))
        return delivery

    async def ask_broker(self) -> None:
        """Return when a broker answers. Raises `KafkaError` or `OSError`."""
        await (await self._usable()).client.fetch_all_metadata()

    def _note(self, producer: BatchProducer, delivery: Delivery) -> None:
        error = error_of(delivery)
        if error is not None and producer is self._producer and self._failed is None:
            self._failed = f"{type(error).__name__}: {error}"

    async def _usable(self) -> BatchProducer:
        producer, why = self._producer, self._why_given_up()
        if producer is not None and why is None:
            return producer
        async with self._opening:
            producer, why = self._producer, self._why_given_up()
            if producer is not None and why is None:
                return producer
            fresh = await self._open()
            old, self._producer, self._failed = self._producer, fresh, None
            if old is not None:
                self._renewals.inc()
                log.warning("producer_renewed", why=why)
                self._close(old)
            return fresh

    def _why_given_up(self) -> str | None:
        if self._producer is None:
            return "there is none"
        if self._failed is None and (sending := _sending_of(self._producer)) is not None and sending.done():
            self._failed = "the client has ended it" if sending.cancelled() else repr(sending.exception())
        return self._failed

    async def _open(self) -> BatchProducer:
        producer = self._make()
        try:
            async with asyncio.timeout(OPEN_SECONDS_MAX):
                await producer.start()
        except BaseException:
            await close_producer(producer)
            raise
        return producer

    def _close(self, producer: BatchProducer) -> None:
        task = asyncio.create_task(close_producer(producer), name="producer-closing")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _sending_of(producer: BatchProducer) -> asyncio.Task[None] | None:
    """Return the task with which a producer sends, None before it is started. After its end nothing is sent."""
    task: asyncio.Task[None] | None = producer._sender.sender_task  # noqa: SLF001  it tells nobody else
    return task
