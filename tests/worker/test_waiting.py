"""The line between applying and publishing: what makes it full, and how it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from metering.contracts.entries import Position
from metering.worker.applying import AppliedBatch
from metering.worker.waiting import AppliedQueue


def batch(entries: int, usage: int = 0) -> AppliedBatch:
    """A batch of so many entries; what they are does not matter here."""
    anything: list[Any] = [None] * entries
    return AppliedBatch(anything, [], Position(usage, 0), entries)


async def test_many_small_batches_find_room_where_few_large_ones_would() -> None:
    queue = AppliedQueue(400)
    for number in range(100):
        async with asyncio.timeout(1):
            await queue.put(batch(1, number))

    taken = await queue.take(4_000)
    assert [one.position.usage for one in taken] == list(range(100))


async def test_full_queue_holds_up_the_next_until_something_is_taken() -> None:
    queue = AppliedQueue(10)
    await queue.put(batch(10, 1))
    waiting = asyncio.create_task(queue.put(batch(1, 2)))
    await asyncio.sleep(0.01)
    assert not waiting.done()

    assert [one.position.usage for one in await queue.take(5)] == [1]
    await waiting
    assert [one.position.usage for one in await queue.take(5)] == [2]


async def test_batches_without_entries_take_room_as_well() -> None:
    queue = AppliedQueue(3)
    for _ in range(3):
        await queue.put(batch(0))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.put(batch(0)), 0.01)


async def test_closed_queue_hands_out_what_is_left_and_then_nothing() -> None:
    queue = AppliedQueue(2)
    await queue.put(batch(5, 1))
    queue.close()

    assert len(await queue.take(1)) == 1
    assert await queue.take(1) == []


async def test_taking_waits_for_the_first() -> None:
    queue = AppliedQueue(10)
    taking = asyncio.create_task(queue.take(10))
    await asyncio.sleep(0.01)
    await queue.put(batch(1))

    assert len(await taking) == 1
