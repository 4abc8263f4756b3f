"""Sends the demo's traffic, at a pace or as fast as it goes. Leaves making it to `traffic`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from metering.cli.kafka import find_partitions, open_producer, topic_name
from metering.cli.publishing import SendReport, UsagePublisher
from metering.contracts.topics import Topic
from metering.errors import Fatal
from metering.settings import KafkaSettings

TICK_SECONDS = 0.01
"""At a pace, what has gathered goes out this often: a decision waits for it no longer."""
YIELD_EVENTS = 100
"""At full speed, other tasks get a turn after so many events: the progress is theirs."""


class Stream:
    """Sends events of one source, in any number of stretches."""

    def __init__(self, publisher: UsagePublisher, report: SendReport, events: Iterator[bytes]) -> None:
        self._publisher = publisher
        self._report = report
        self._events = events
        self._sent = 0

    async def send_at_pace(self, count: int, per_second: int) -> None:
        """Send `count` events at an even pace, or as close to it as the machine can."""
        started = time.monotonic()
        sent = 0
        while sent < count:
            due = min(count, round((time.monotonic() - started) * per_second))
            for _ in range(due - sent):
                await self._send_one()
            sent = due
            await self._publisher.send_all()
            await asyncio.sleep(TICK_SECONDS)

    async def send_at_once(self, count: int) -> None:
        """Send `count` events as fast as the broker takes them."""
        for number in range(count):
            await self._send_one()
            if number % YIELD_EVENTS == 0:
                await asyncio.sleep(0)
        await self._publisher.send_all()

    async def finish(self) -> int:
        """Wait until the broker has all; return how many. Raises `Fatal` when it does not take one."""
        await self._publisher.finish()
        if self._report.problems:
            raise Fatal(f"an event could not be published: {self._report.problems[0].detail}")
        return self._report.published

    async def _send_one(self) -> None:
        self._sent += 1
        await self._publisher.add(self._sent, next(self._events))


@asynccontextmanager
async def open_stream(kafka: KafkaSettings, events: Iterator[bytes]) -> AsyncIterator[Stream]:
    """Yield a stream of `events` into the topic `usage`."""
    report = SendReport()
    async with open_producer(kafka) as producer:
        topic = topic_name(kafka, Topic.USAGE)
        publisher = UsagePublisher(producer, topic, len(await find_partitions(producer.client, topic)), report)
        yield Stream(publisher, report, events)
