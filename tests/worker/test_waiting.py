"""The line between applying and publishing: what makes it full, and how it ends."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Literal

import pytest

from metering.contracts.entries import Position
from metering.contracts.topics import Topic
from metering.worker.applying import AppliedBatch
from metering.worker.counting import Counts
from metering.worker.made_batches import MadeBatch
from metering.worker.outputs import Output
from metering.worker.publishing import Publication
from metering.worker.sharing import Room
from metering.worker.waiting import PUBLISH_PAUSE_SECONDS, AppliedQueue, next_publication_at

LONG_SECONDS = 60.0
BRIEF_SECONDS_MAX = 30.0
"""Half a long pause: what comes within it was not held up by one, on however busy a machine."""


def batch(entries: int, usage: int = 0, *, answers: bool = False) -> AppliedBatch:
    """A batch of so many entries; what they are does not matter here."""
    sides = [Output(Topic.ANSWERS, b"someone", b"done")] if answers else []
    anything = [b""] * entries
    return AppliedBatch(
        Publication(anything, anything, sides, Position(usage, 0), entries, "chunk"), [], entries, Counts()
    )


async def test_many_small_batches_find_room_where_few_large_ones_would() -> None:
    queue = AppliedQueue(Room(1_000), 400)
    for number in range(100):
        async with asyncio.timeout(BRIEF_SECONDS_MAX):
            await queue.put(batch(1, number))

    taken = await queue.take(4_000)
    assert [one.publication.position.usage for one in taken] == list(range(100))


async def test_full_queue_holds_up_the_next_until_something_is_taken() -> None:
    queue = AppliedQueue(Room(20), 10)
    await queue.put(batch(10, 1))
    waiting = asyncio.create_task(queue.put(batch(1, 2)))
    await asyncio.sleep(0.01)
    assert not waiting.done()

    assert [one.publication.position.usage for one in await queue.take(5)] == [1]
    await waiting
    assert [one.publication.position.usage for one in await queue.take(5)] == [2]


@pytest.mark.parametrize(("others", "batches"), [(0, 4), (40, 2), (80, 1)])
async def test_bucket_may_have_half_of_what_others_leave_waiting_and_at_least_its_own(
    others: int, batches: int
) -> None:
    room = Room(100)
    room.add(others)
    queue = AppliedQueue(room, 10)
    for number in range(batches):
        async with asyncio.timeout(BRIEF_SECONDS_MAX):
            await queue.put(batch(9, number))
    waiting = asyncio.create_task(queue.put(batch(9)))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    queue.note_published(await queue.take(1))
    async with asyncio.timeout(BRIEF_SECONDS_MAX):
        await waiting


async def test_batches_without_entries_take_room_as_well() -> None:
    queue = AppliedQueue(Room(6), 3)
    for _ in range(3):
        await queue.put(batch(0))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.put(batch(0)), 0.01)


async def test_closed_queue_hands_out_what_is_left_and_then_nothing() -> None:
    queue = AppliedQueue(Room(1_000), 2)
    await queue.put(batch(5, 1))
    queue.close()

    assert len(await queue.take(1)) == 1
    assert await queue.take(1) == []


async def test_taking_waits_for_the_first() -> None:
    queue = AppliedQueue(Room(1_000), 10)
    taking = asyncio.create_task(queue.take(10))
    await asyncio.sleep(0.01)
    await queue.put(batch(1))

    assert len(await taking) == 1


async def test_pause_gathers_until_there_is_enough() -> None:
    queue = AppliedQueue(Room(1_000), 100)
    await queue.put(batch(2, 1))
    taking = asyncio.create_task(queue.take(100, enough=8, pause_until=soon(LONG_SECONDS)))
    await asyncio.sleep(0.01)
    assert not taking.done()
    await queue.put(batch(7, 2))

    assert [one.publication.position.usage for one in await asyncio.wait_for(taking, BRIEF_SECONDS_MAX)] == [1, 2]


async def test_pause_that_is_over_takes_what_there_is() -> None:
    queue = AppliedQueue(Room(1_000), 100)
    await queue.put(batch(1, 1))
    over_at = soon(0.05)

    assert len(await asyncio.wait_for(queue.take(100, enough=50, pause_until=over_at), BRIEF_SECONDS_MAX)) == 1
    assert soon(0.0) >= over_at
    await queue.put(batch(1, 2))
    assert len(await asyncio.wait_for(queue.take(100, enough=50, pause_until=soon(0.0)), BRIEF_SECONDS_MAX)) == 1


async def test_somebody_who_waits_for_an_answer_ends_the_pause() -> None:
    queue = AppliedQueue(Room(1_000), 100)
    await queue.put(batch(1, 1))
    taking = asyncio.create_task(queue.take(1, enough=50, pause_until=soon(LONG_SECONDS)))
    await queue.put(batch(1, 2, answers=True))

    assert [one.publication.position.usage for one in await asyncio.wait_for(taking, BRIEF_SECONDS_MAX)] == [1]
    again = queue.take(100, enough=50, pause_until=soon(LONG_SECONDS))
    assert [one.publication.position.usage for one in await asyncio.wait_for(again, BRIEF_SECONDS_MAX)] == [2]


async def test_queue_that_can_hold_less_than_enough_is_full_before() -> None:
    queue = AppliedQueue(Room(1_000), 4)
    await queue.put(batch(5))

    assert (
        len(await asyncio.wait_for(queue.take(100, enough=50, pause_until=soon(LONG_SECONDS)), BRIEF_SECONDS_MAX)) == 1
    )


async def test_closing_ends_the_pause() -> None:
    queue = AppliedQueue(Room(1_000), 100)
    await queue.put(batch(1))
    taking = asyncio.create_task(queue.take(100, enough=50, pause_until=soon(LONG_SECONDS)))
    await asyncio.sleep(0.01)
    queue.close()

    assert len(await asyncio.wait_for(taking, BRIEF_SECONDS_MAX)) == 1


async def test_pause_wakes_nobody_for_what_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = AppliedQueue(Room(1_000), 100)
    await queue.put(batch(1))
    woken: list[bool] = []
    wait = asyncio.Event.wait

    async def noted(self: asyncio.Event) -> Literal[True]:
        await wait(self)
        woken.append(True)
        return True

    monkeypatch.setattr(asyncio.Event, "wait", noted)
    taking = asyncio.create_task(queue.take(100, enough=20, pause_until=soon(LONG_SECONDS)))
    for _ in range(5):
        await asyncio.sleep(0)
        await queue.put(batch(1))
    await asyncio.sleep(0)
    assert woken == []
    await queue.put(batch(20))

    assert len(await asyncio.wait_for(taking, BRIEF_SECONDS_MAX)) == 7


@pytest.mark.parametrize(("took", "pause"), [(0.04, 0.16), (0.0425, 0.17), (3.0, 0.17)])
def test_slow_broker_is_asked_less_often(took: float, pause: float) -> None:
    assert next_publication_at(0, 1_000.0, 1_000.0 + took) == pytest.approx(1_000.0 + pause)


@pytest.mark.parametrize("began", [1_000.0, 1_000.04, 1_000.11])
def test_small_publications_of_a_bucket_come_evenly_from_the_second_on(began: float) -> None:
    second = next_publication_at(3, began, began + 0.01)
    assert PUBLISH_PAUSE_SECONDS / 2 <= second - began <= PUBLISH_PAUSE_SECONDS * 3 / 2 + 0.001
    for late in (0.0, 0.02, 0.06):
        assert next_publication_at(3, second + late, second + late + 0.01) == pytest.approx(
            second + PUBLISH_PAUSE_SECONDS
        )


@pytest.mark.parametrize("count", [2, 8, 13, 100])
def test_buckets_claimed_together_publish_one_after_another(count: int) -> None:
    moments = sorted(next_publication_at(bucket, 1_000.0, 1_000.01) % PUBLISH_PAUSE_SECONDS for bucket in range(count))
    apart = [later - sooner for sooner, later in pairwise([*moments, moments[0] + PUBLISH_PAUSE_SECONDS])]
    assert min(apart) > PUBLISH_PAUSE_SECONDS / count / 3


def test_publications_are_joined_in_their_order_and_end_with_the_last_entry() -> None:
    first = Publication([b"a"], [b"1"], [], Position(1, 0), 7, "one")
    second = Publication([b"b"], [b"2"], [Output(Topic.ALERTS, b"b", b"low")], Position(2, 0), 8, "two")
    nothing = Publication([], [], [], Position(3, 1), 0, "")

    joined = Publication.joined([first, second, nothing])
    assert joined == Publication([b"a", b"b"], [b"1", b"2"], second.sides, Position(3, 1), 8, "two")


def test_joined_publications_keep_their_batches_between_the_entries_around_them() -> None:
    batch = MadeBatch(bytearray(), 3)
    pressed = Publication([], [], [], Position(1, 0), 7, "one", ((batch, 3, 0),))
    plain = Publication([b"a"], [b"1"], [], Position(2, 0), 8, "two")

    joined = Publication.joined([plain, pressed, plain, plain, pressed])
    assert joined.pressed == ((batch, 3, 1), (batch, 3, 3))
    assert (len(joined.values), joined.entries) == (3, 9)


def soon(seconds: float) -> float:
    """A moment of the loop's clock."""
    return asyncio.get_running_loop().time() + seconds
