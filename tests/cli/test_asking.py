"""`metering command`: each line has its answer, in the order of the lines, whatever the worker does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from metering.cli.asking import Result, ask
from metering.contracts.decisions import Answer
from metering.contracts.partitioning import partition_of
from metering.contracts.reasons import Reason
from metering.contracts.topics import Topic
from tests.cli.conftest import PARTITIONS, Installation


def make_command(command_id: str, customer: str = "acme", **more: Any) -> bytes:
    return json.dumps({"type": "suspend", "id": command_id, "customer": customer, "actor": "me", **more}).encode()


async def collect(installation: Installation, lines: list[bytes], timeout_seconds: float = 20.0) -> list[Result]:
    return [result async for result in ask(installation.kafka, lines, timeout_seconds=timeout_seconds)]


def answer_to(command: dict[str, Any]) -> Answer | None:
    """What the stand-in says: nothing to ids with "silent", a refusal to ids with "refused"."""
    if "silent" in command["id"]:
        return None
    refused = "refused" in command["id"]
    return Answer(
        id=command["id"],
        type=command["type"],
        customer=command["customer"],
        reply_to=command["reply_to"],
        outcome="refused" if refused else "done",
        reason=Reason.ALREADY if refused else None,
        entry="0-1",
    )


@asynccontextmanager
async def stand_in(installation: Installation) -> AsyncIterator[list[tuple[int, bytes, dict[str, Any]]]]:
    """Answers commands in place of a worker; yields what it has read: partition, key and value."""
    kafka, read = installation.kafka, []
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=kafka.fetch_max_wait_ms
    )
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await consumer.start()
    await producer.start()
    consumer.assign([TopicPartition(kafka.topic_prefix + Topic.COMMANDS, number) for number in range(PARTITIONS)])

    async def serve() -> None:
        async for record in consumer:
            command = json.loads(record.value)
            read.append((record.partition, record.key, command))
            if (answer := answer_to(command)) is not None:
                await producer.send_and_wait(kafka.topic_prefix + Topic.ANSWERS, msgspec.json.encode(answer))

    serving = asyncio.create_task(serve())
    try:
        yield read
    finally:
        serving.cancel()
        await consumer.stop()
        await producer.stop()


async def test_answers_come_in_the_order_of_the_lines(installation: Installation) -> None:
    lines = [make_command(f"c-{number}", f"customer-{number % 9}") for number in range(300)]
    async with stand_in(installation) as read:
        results = await collect(installation, lines)
    assert [result.answer.id for result in results if result.answer] == [f"c-{number}" for number in range(300)]
    for partition, key, command in read:
        assert key.decode() == command["customer"]
        assert partition == partition_of(command["customer"], PARTITIONS)


async def test_refusal_and_unreadable_line_have_their_places(installation: Installation) -> None:
    lines = [make_command("c-1"), b"{broken", b"", make_command("refused"), b'{"type": "fly", "id": "x"}']
    async with stand_in(installation) as read:
        results = await collect(installation, lines)
    assert [(result.line, result.answer.outcome if result.answer else None) for result in results] == [
        (1, "done"),
        (2, None),
        (4, "refused"),
        (5, None),
    ]
    assert results[1].problem.startswith("not a command: ")
    assert len(read) == 2


async def test_unread_fields_and_reply_to_of_the_line_stay(installation: Installation) -> None:
    async with stand_in(installation) as read:
        await collect(installation, [make_command("c-1", reply_to="mine", note_of_later_version=1)])
    assert read[0][2] == json.loads(make_command("c-1", reply_to="mine", note_of_later_version=1))


async def test_same_command_twice_has_two_answers(installation: Installation) -> None:
    async with stand_in(installation):
        results = await collect(installation, [make_command("c-1"), make_command("c-1")])
    assert [result.answer.id for result in results if result.answer] == ["c-1", "c-1"]


async def test_silence_gives_up_all_that_is_unanswered_at_once(installation: Installation) -> None:
    lines = [make_command("silent-1"), make_command("c-2"), *(make_command(f"silent-{n}") for n in range(3, 60))]
    async with asyncio.timeout(60), stand_in(installation):
        results = await collect(installation, lines, timeout_seconds=4.0)
    assert [result.line for result in results if result.answer] == [2]
    assert results[0].problem == "no answer to silent-1 within 4 s"
    assert len(results) == len(lines)


async def test_no_readable_line_needs_no_broker(installation: Installation) -> None:
    nowhere = Installation(installation.kafka.model_copy(update={"bootstrap": "127.0.0.1:1"}))
    results = await collect(nowhere, [b"{broken", b""])
    assert [(result.line, result.answer) for result in results] == [(1, None)]
