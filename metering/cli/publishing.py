"""Lines of a file as records of the `usage` topic, fast and in order. Leaves opening the producer to `kafka`."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from msgspec import Struct

from metering.cli.kafka import find_partitions, open_producer, topic_name
from metering.contracts.partitioning import partition_of
from metering.contracts.topics import Topic
from metering.errors import Fatal
from metering.settings import KafkaSettings

# A read of a pipe hands over what is there; one that is not full means that the writer pauses: what we have goes out.
READ_BYTES = 256 * 1024
# Batches of a partition on their way at once. One is being acknowledged while the next is filled; more cost memory.
BATCHES_MAX = 4
PROBLEMS_MAX = 1_000


class Problem(Struct, frozen=True):
    """A line that is not on the broker, and why."""

    line: int
    reason: str
    detail: str


class SendReport(Struct, omit_defaults=False):
    """What became of the lines. `problems` names the first thousand, `skipped` and `refused` count them all."""

    lines: int = 0
    published: int = 0
    skipped: int = 0
    """Not valid enough to be published: no JSON, or no customer to find the partition by."""
    refused: int = 0
    """By the broker, or it went away: these may or may not be there, and may be sent again."""
    milliseconds: int = 0
    problems: list[Problem] = msgspec.field(default_factory=list)


class _Data(Struct):
    customer: str


class _Envelope(Struct):
    data: _Data


_decode = msgspec.json.Decoder(_Envelope).decode


async def publish_lines(kafka: KafkaSettings, path: str, *, raw: bool = False) -> SendReport:
    """Publish every line of `path` ("-": stdin), for each customer in the file's order; empty lines are passed over.

    Interrupted, what was read so far is or is not there; sending the same file again changes nothing twice.
    """
    report = SendReport()
    started = time.monotonic()
    async with open_producer(kafka) as producer:
        name = topic_name(kafka, Topic.USAGE)
        publisher = UsagePublisher(producer, name, len(await find_partitions(producer.client, name)), report)
        number = 0
        async for lines, paused in _read_lines(path):
            for line in lines:
                number += 1
                if not line or line.isspace():
                    continue
                report.lines += 1
                await publisher.add(number, line, raw=raw)
            if paused:
                await publisher.send_all()
        await publisher.finish()
    report.milliseconds = round((time.monotonic() - started) * 1000)
    return report


class UsagePublisher:
    """Puts events into batches, for each partition one that is being filled and some on their way."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, partitions: int, report: SendReport) -> None:
        self._producer = producer
        self._topic = topic
        self._partitions = partitions
        self._report = report
        self._open: dict[int, Any] = {}
        self._lines: dict[int, list[int]] = defaultdict(list)
        self._slots: dict[int, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(BATCHES_MAX))
        self._under_way: set[asyncio.Task[None]] = set()

    async def add(self, number: int, line: bytes, *, raw: bool = False) -> None:
        """Put a line into its partition's batch; waits while the partition has its fill of batches on their way."""
        customer = _read_customer(line)
        if isinstance(customer, Problem):
            if not raw:
                self._report.skipped += 1
                self._note(Problem(number, customer.reason, customer.detail))
                return
            partition, key = number % self._partitions, None
        else:
            partition, key = partition_of(customer, self._partitions), customer.encode()
        batch = self._open.get(partition)
        if batch is None:
            batch = self._open[partition] = self._producer.create_batch()
        if batch.append(key=key, value=line, timestamp=None) is None:
            await self._send(partition)
            batch = self._open[partition] = self._producer.create_batch()
            batch.append(key=key, value=line, timestamp=None)
        self._lines[partition].append(number)

    async def send_all(self) -> None:
        """Send every batch that has something in it."""
        for partition in list(self._open):
            await self._send(partition)

    async def finish(self) -> None:
        """Send what is left and wait until the broker has answered for all."""
        await self.send_all()
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def _send(self, partition: int) -> None:
        batch, numbers = self._open.pop(partition), self._lines.pop(partition)
        await self._slots[partition].acquire()
        try:
            acknowledged = await self._producer.send_batch(batch, self._topic, partition=partition)
        except KafkaError as error:
            self._slots[partition].release()
            self._refuse(numbers, error)
            return
        task = asyncio.create_task(self._await_answer(partition, acknowledged, numbers))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _await_answer(self, partition: int, acknowledged: Any, numbers: list[int]) -> None:
        try:
            await acknowledged
            self._report.published += len(numbers)
        except KafkaError as error:
            self._refuse(numbers, error)
        finally:
            self._slots[partition].release()

    def _refuse(self, numbers: list[int], error: KafkaError) -> None:
        self._report.refused += len(numbers)
        for number in numbers:
            self._note(Problem(number, "not_published", str(error) or type(error).__name__))

    def _note(self, problem: Problem) -> None:
        if len(self._report.problems) < PROBLEMS_MAX:
            self._report.problems.append(problem)


def _read_customer(line: bytes) -> str | Problem:
    try:
        customer = _decode(line).data.customer
        customer.encode()
    except msgspec.ValidationError as error:
        return Problem(0, "no_customer", str(error))
    except (msgspec.DecodeError, UnicodeError) as error:
        return Problem(0, "not_json", str(error))
    return customer


async def _read_lines(path: str) -> AsyncIterator[tuple[list[bytes], bool]]:
    """Yield lines as they come, and whether the writer pauses after them. Raises `Fatal` without the file."""
    try:
        file = sys.stdin.fileno() if path == "-" else os.open(Path(path), os.O_RDONLY)
    except OSError as error:
        raise Fatal(f"{path}: {error.strerror}") from error
    rest: list[bytes] = []
    try:
        while data := await asyncio.to_thread(os.read, file, READ_BYTES):
            first, *more = data.split(b"\n")
            rest.append(first)
            if more:
                yield [b"".join(rest), *more[:-1]], len(data) < READ_BYTES
                rest = [more[-1]]
        yield [b"".join(rest)], True
    finally:
        if path != "-":
            os.close(file)
