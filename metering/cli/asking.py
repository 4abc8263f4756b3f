"""Commands published and their answers awaited. Leaves reading files and printing to the command that asks."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from msgspec import Struct

from metering.cli.kafka import find_partitions, open_producer, open_reader, topic_name
from metering.contracts.commands import Command
from metering.contracts.decisions import Answer
from metering.contracts.partitioning import partition_of
from metering.contracts.topics import Topic
from metering.settings import KafkaSettings

# Commands published and not yet answered: enough to keep every bucket's chunks full, little enough to hold in memory.
ASKED_MAX = 2_000
POLL_MS = 200


class Result(Struct, frozen=True):
    """What became of one line: its answer, or the problem that kept it from having one."""

    line: int
    answer: Answer | None = None
    problem: str = ""


class _Asked(Struct, frozen=True):
    line: int
    customer: str
    id: str
    reply_to: str
    value: bytes


_Key = tuple[str, str, str]
"""`reply_to`, customer and id of a command. A file may ask the same twice: each has an answer, in order."""

_decode_command = msgspec.json.Decoder(Command).decode
_decode_answer = msgspec.json.Decoder(Answer).decode


async def ask(kafka: KafkaSettings, lines: Sequence[bytes], *, timeout_seconds: float = 30.0) -> AsyncIterator[Result]:
    """Publish the commands in `lines` and yield a result for each, in the order of the lines.

    A line that names no `reply_to` gets one of its own. Without any answer for `timeout_seconds` the rest is given up:
    it may still be carried out; asking again with the same ids returns the first answers. Interrupted, the same holds.
    """
    reply_to = f"cli-{uuid4().hex}"
    read = [_read(number, line, reply_to) for number, line in enumerate(lines, 1) if line.strip()]
    asked = [one for one in read if isinstance(one, _Asked)]
    if not asked:
        for one in read:
            yield one if isinstance(one, Result) else Result(one.line)
        return
    # The reader stands at the end before anything is asked, so no answer can pass it by.
    async with open_reader(kafka, Topic.ANSWERS) as reader, open_producer(kafka) as producer:
        partitions = len(await find_partitions(producer.client, topic_name(kafka, Topic.COMMANDS)))
        waiting = _Waiting(reader, timeout_seconds)
        topic = topic_name(kafka, Topic.COMMANDS)
        publishing = asyncio.create_task(_publish(producer, topic, partitions, asked, waiting))
        try:
            for one in read:
                yield one if isinstance(one, Result) else await waiting.result_of(one)
        finally:
            publishing.cancel()


def _read(number: int, line: bytes, reply_to: str) -> _Asked | Result:
    """Check a line against the contract; publish it as it was written, with a `reply_to`."""
    try:
        command = _decode_command(line)
        customer_key = command.customer.encode()
    except (msgspec.DecodeError, UnicodeError) as error:
        return Result(number, problem=f"not a command: {error}")
    if command.reply_to is not None:
        return _Asked(number, command.customer, command.id, command.reply_to, line)
    written: dict[str, Any] = msgspec.json.decode(line)
    value = msgspec.json.encode({**written, "reply_to": reply_to})
    return _Asked(number, customer_key.decode(), command.id, reply_to, value)


async def _publish(
    producer: AIOKafkaProducer, topic: str, partitions: int, asked: Sequence[_Asked], waiting: _Waiting
) -> None:
    """Publish in order, never more than `ASKED_MAX` ahead of the answers."""
    for one in asked:
        await waiting.make_room()
        partition = partition_of(one.customer, partitions)
        try:
            await producer.send(topic, one.value, key=one.customer.encode(), partition=partition)
        except KafkaError as error:
            waiting.give_up(one, f"not published: {error}")


class _Waiting:
    """The answers that have come, by what they answer."""

    def __init__(self, reader: AIOKafkaConsumer, timeout_seconds: float) -> None:
        self._reader = reader
        self._timeout_seconds = timeout_seconds
        self._heard = time.monotonic()
        self._came: dict[_Key, deque[Answer | str]] = defaultdict(deque)
        self._given_up = False
        self._room = asyncio.Semaphore(ASKED_MAX)

    async def make_room(self) -> None:
        """Wait until one more command may be published."""
        await self._room.acquire()

    def give_up(self, one: _Asked, problem: str) -> None:
        """Note that no answer to `one` will come."""
        self._came[_key(one)].append(problem)

    async def result_of(self, one: _Asked) -> Result:
        """Wait for one answer, reading the others that come before it."""
        came_for_it = self._came[_key(one)]
        while not came_for_it and not self._given_up:
            await self._read_more()
            self._given_up = time.monotonic() - self._heard > self._timeout_seconds
        if not came_for_it:
            return Result(one.line, problem=f"no answer to {one.id} within {self._timeout_seconds:g} s")
        self._room.release()
        came = came_for_it.popleft()
        return Result(one.line, problem=came) if isinstance(came, str) else Result(one.line, came)

    async def _read_more(self) -> None:
        records = await self._reader.getmany(timeout_ms=POLL_MS)
        for batch in records.values():
            for record in batch:
                answer = _decode_answer(record.value)
                if answer.reply_to is not None:
                    self._came[answer.reply_to, answer.customer, answer.id].append(answer)
                    self._heard = time.monotonic()


def _key(one: _Asked) -> _Key:
    return one.reply_to, one.customer, one.id
