"""What the buckets of a worker hold together stays within what one worker may, however many there are."""

from __future__ import annotations

import asyncio

import pytest

from metering.contracts.entries import Position
from metering.worker.applying import AppliedBatch
from metering.worker.counting import Counts
from metering.worker.publishing import Publication
from metering.worker.sharing import CUSTOMERS_OF_ONE_MIN, EVENTS_OF_ONE_MIN, Room, Shares
from metering.worker.waiting import AppliedQueue

WAITED_SECONDS = 0.05
PATIENCE_SECONDS = 30.0


def batch(entries: int) -> AppliedBatch:
    """A batch that takes room for `entries`: one is for itself."""
    anything = [b""] * (entries - 1)
    return AppliedBatch(Publication(anything, anything, [], Position(0, 0), entries, "chunk"), [], entries, Counts())


async def is_held_up(putting: asyncio.Task[None]) -> bool:
    """Whether a batch still waits for room after a while in which it would have found any."""
    await asyncio.wait([putting], timeout=WAITED_SECONDS)
    return not putting.done()


@pytest.mark.parametrize(
    ("buckets", "events"), [(0, 16_000), (1, 16_000), (8, 2_000), (64, 250), (1_000, EVENTS_OF_ONE_MIN)]
)
def test_more_buckets_have_less_each(buckets: int, events: int) -> None:
    shares = Shares(16_000, 32_768)
    shares.buckets = buckets
    assert shares.events == events
    assert shares.customers == max(CUSTOMERS_OF_ONE_MIN, 32_768 // max(1, buckets))


@pytest.mark.parametrize(
    ("others", "buckets", "events"),
    [
        (0, 8, 4_000),
        (6_000, 8, 2_500),
        (8_000, 8, 2_000),
        (14_000, 8, 2_000),
        (20_000, 8, 2_000),
        (0, 4, 8_000),
        (0, 1, 16_000),
    ],
)
def test_bucket_has_twice_its_share_of_what_the_others_leave(others: int, buckets: int, events: int) -> None:
    shares = Shares(16_000, 32_768)
    shares.buckets = buckets
    assert shares.events_beside(others) == events


def test_share_is_never_more_than_what_all_may_have() -> None:
    shares = Shares(12, 5)
    shares.buckets = 4
    assert (shares.events, shares.customers) == (12, 5)


async def test_bucket_with_batches_under_way_waits_for_room_that_others_have_taken() -> None:
    room = Room(10)
    busy, other = AppliedQueue(room), AppliedQueue(room)
    await busy.put(batch(6))
    await other.put(batch(4))

    putting = asyncio.create_task(other.put(batch(1)))

    assert await is_held_up(putting)
    taken = await busy.take(100)
    assert await is_held_up(putting), "what is being published has its room until it is"
    busy.note_published(taken)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await putting


async def test_bucket_with_nothing_under_way_begins_however_full_it_is() -> None:
    room = Room(10)
    stuck, other = AppliedQueue(room), AppliedQueue(room)
    await stuck.put(batch(10))
    for _ in range(3):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await other.put(batch(5))
            other.note_published(await other.take(100))


async def test_full_room_ends_the_wait_for_more_to_publish() -> None:
    room = Room(10)
    one, other = AppliedQueue(room), AppliedQueue(room)
    await one.put(batch(3))
    never = asyncio.get_running_loop().time() + 1_000
    taking = asyncio.create_task(one.take(100, 50, never))
    await asyncio.wait([taking], timeout=WAITED_SECONDS)
    assert not taking.done()

    await other.put(batch(7))

    async with asyncio.timeout(PATIENCE_SECONDS):
        assert len(await taking) == 1


async def test_bucket_that_ends_gives_its_room_back_whatever_it_was_at() -> None:
    room = Room(10)
    ending, other = AppliedQueue(room), AppliedQueue(room)
    await ending.put(batch(4))
    await ending.take(100)
    await ending.put(batch(4))
    await other.put(batch(2))
    putting = asyncio.create_task(other.put(batch(8)))
    assert await is_held_up(putting)

    ending.leave()

    async with asyncio.timeout(PATIENCE_SECONDS):
        await putting
    assert room.is_full
    other.leave()
    assert not room.is_full


async def test_what_nobody_has_taken_is_told_at_the_end() -> None:
    queue, left = AppliedQueue(Room(10)), [batch(2), batch(3)]
    for one in (batch(1), *left):
        await queue.put(one)
    taken = await queue.take(1)
    assert len(taken) == 1
    assert queue.leave() == left
