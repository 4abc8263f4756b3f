"""A topic counts as read to its end only while its broker is heard of. Leaves the order itself to `test_merging`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from metering.contracts.entries import Position
from metering.observe.metrics import WorkerMetrics
from metering.observe.steps import NO_STEPS
from metering.record_batches import Progress
from metering.settings import KafkaSettings, WorkerSettings
from metering.worker import intake as intake_module
from metering.worker.hearing import Hearing
from metering.worker.intake import Intake
from metering.worker.merging import InputQueue
from metering.worker.sharing import Shares
from tests.worker.records import record

USAGE, COMMANDS = TopicPartition("usage", 0), TopicPartition("commands", 0)
NEVER = float("-inf")
PATIENCE_SECONDS = 60.0


def test_an_answer_says_what_was_true_after_the_answer_before_it() -> None:
    hearing = Hearing()
    hearing.begin(None, 10.0)
    assert hearing.note(None, 10.5) == NEVER
    assert hearing.note(1, 11.0) == 10.0
    assert hearing.note(1, 12.0) == 10.0
    assert hearing.note(2, 13.0) == 11.0


def test_what_was_heard_before_reading_began_says_nothing() -> None:
    hearing = Hearing()
    hearing.begin(None, 0.0)
    hearing.note(1, 1.0)
    hearing.begin(1, 50.0)
    assert hearing.note(1, 50.1) == NEVER
    assert hearing.note(2, 50.2) == 50.0


def test_an_answer_that_was_long_on_its_way_is_as_old_as_the_one_before_it() -> None:
    hearing = Hearing()
    hearing.begin(None, 0.0)
    hearing.note(1, 1.0)
    assert hearing.note(2, 40.0) == 1.0


class ScriptedConsumer:
    """Answers as the client of a broker of which single partitions can be cut off."""

    def __init__(self) -> None:
        self.ends = {USAGE: 0, COMMANDS: 0}
        self.positions = {USAGE: 0, COMMANDS: 0}
        self.cut_off: set[TopicPartition] = set()
        self._read: dict[TopicPartition, list[Any]] = {}
        self._marks: dict[TopicPartition, int] = {}
        self._stamps: dict[TopicPartition, int] = {}
        self._polls = 0

    def write(self, partition: TopicPartition, timestamp: int) -> None:
        """A producer's record is acknowledged."""
        self._read.setdefault(partition, []).append(record(b"", self.ends[partition], timestamp=timestamp))
        self.ends[partition] += 1

    async def getmany(self, **_: object) -> dict[TopicPartition, Sequence[Any]]:
        await asyncio.sleep(0.01)
        self._polls += 1
        read: dict[TopicPartition, Sequence[Any]] = {}
        for partition in {USAGE, COMMANDS} - self.cut_off:
            self._stamps[partition] = self._polls
            self._marks[partition] = self.positions[partition] = self.ends[partition]
            if partition in self._read:
                read[partition] = self._read.pop(partition)
        return read

    def progress(self, partition: TopicPartition) -> Progress:
        stamp = self.last_poll_timestamp(partition)
        return Progress(self.positions[partition], self._marks.get(partition), stamp, is_paused=False)

    def last_poll_timestamp(self, partition: TopicPartition) -> int | None:
        return self._stamps.get(partition)

    def assignment(self) -> set[TopicPartition]:
        return {USAGE, COMMANDS}

    def nothing(self, *_: object) -> None:
        """Pause, resume, seek: the records come as they were written."""

    pause = resume = seek = nothing


class LiveBucket:
    """A bucket that has been claimed at once."""

    def __init__(self, number: int) -> None:
        self.number, self.live = number, True
        self.queue, self.wake = InputQueue(), asyncio.Event()

    def start(self) -> None:
        """Nothing to do."""


async def heard_of(queue: InputQueue, count: int, seconds_max: float = PATIENCE_SECONDS) -> list[str]:
    """The topics of what can be taken, until there are so many or the time is over."""
    found: list[str] = []
    deadline = asyncio.get_running_loop().time() + seconds_max
    while asyncio.get_running_loop().time() < deadline and len(found) < count:
        while (upcoming := queue.take()) is not None:
            found.append(upcoming.topic)
        await asyncio.sleep(0.01)
    return found


async def test_event_waits_for_a_command_that_was_acknowledged_while_its_broker_was_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake_module, "SILENCE_SECONDS_MAX", 0.3)
    consumer = ScriptedConsumer()
    buckets: list[LiveBucket] = []

    def make_bucket(number: int, _: object) -> Any:
        buckets.append(LiveBucket(number))
        return buckets[-1]

    kafka: Any = SimpleNamespace(topic=str, settings=KafkaSettings())
    parts: Any = SimpleNamespace(consumer=consumer, metrics=WorkerMetrics(), steps=NO_STEPS, shares=Shares(100))
    intake = Intake(kafka, parts, make_bucket, WorkerSettings().buffered_bytes_max)
    await intake.on_partitions_assigned([USAGE, COMMANDS])
    intake._go_live(0, Position(0, 0))
    reading = asyncio.create_task(intake.run())
    try:
        queue = buckets[0].queue
        consumer.write(USAGE, 10)
        assert await heard_of(queue, 1) == ["usage"]

        consumer.cut_off.add(COMMANDS)
        consumer.write(COMMANDS, 20)
        await asyncio.sleep(0.6)
        consumer.write(USAGE, 30)
        assert await heard_of(queue, 1, 0.5) == []
        consumer.cut_off.clear()
        assert await heard_of(queue, 2) == ["commands", "usage"]
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
