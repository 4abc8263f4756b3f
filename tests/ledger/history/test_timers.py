"""What falls due: in which order, how many before one input, and what finds nothing to do. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import HOUR, SECOND, Story, told
from tests.ledger_model.inputs import Submission, Tick


@pytest.mark.requirement("INF-03")
async def test_hold_that_is_never_settled_is_released_at_its_deadline(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(40, lasts=HOUR)
    story.wait(HOUR - 1)
    too_early = await story.tick()
    story.wait(1)

    (entry,) = await story.tick()

    assert too_early == []
    assert told(entry, "kind", "reason", "amount", "held_change") == ("expired", "hold", 0, -40)
    assert told(entry, "charge.state", "charge.held", "due_at") == ("expired", 0, story.now)
    assert entry["after"] == {"available": 100, "held": 0, "overdrawn": 0}


@pytest.mark.requirement("INF-03")
async def test_hold_that_is_settled_does_not_expire(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(40, lasts=HOUR)
    await story.outcome("sent")
    story.wait(HOUR)

    assert await story.tick() == []


async def test_timer_runs_before_the_input_that_is_just_as_late(story: Story) -> None:
    await story.open(credit=40)
    await story.submit(40, lasts=HOUR)
    story.wait(HOUR)

    entry = await story.submit(40, charge="y")

    assert [made["kind"] for made in story.entries[-2:]] == ["expired", "reserved"]
    assert entry["decision"] == "allowed"


async def test_clock_never_runs_backwards(story: Story) -> None:
    await story.open(credit=40)
    now = story.now
    story.wait(HOUR)
    await story.tick()
    story.now = now

    entry = await story.submit(1)

    assert entry["applied_at"] == now + HOUR


async def test_timers_run_soonest_first_then_by_name_byte_by_byte(story: Story) -> None:
    await story.open(credit=100)
    for charge, lasts in (("late", 3 * SECOND), ("b", 2 * SECOND), ("B", 2 * SECOND), ("a", 2 * SECOND), ("z", SECOND)):
        await story.submit(1, charge=charge, lasts=lasts)
    await story.top_up(5, expires_at=story.now + 2 * SECOND)
    story.wait(HOUR)

    effects = await story.tick()

    order = ["lot" if effect["charge"] is None else effect["charge"]["id"] for effect in effects]
    assert order == ["z", "B", "a", "b", "lot", "late"]


async def submit_many(story: Story, count: int) -> None:
    """Hold `count` charges of one micro-unit, due a second apart."""
    await story.do_all(
        [
            story.event(Submission, id=f"m{n}", charge=f"m{n:03}", price=1, deadline=story.now + 1 + n)
            for n in range(count)
        ]
    )


async def test_at_most_eight_timers_run_before_one_input(story: Story) -> None:
    await story.open(credit=100)
    await submit_many(story, 20)
    story.wait(HOUR)
    counts = []
    for _ in range(3):
        before = len(story.entries)
        await story.submit(0, charge_on="submit", charge=None)
        counts.append(len(story.entries) - before - 1)

    assert counts == [8, 8, 4]


async def test_at_most_two_hundred_timers_run_before_a_tick(story: Story) -> None:
    await story.open(credit=1000)
    await submit_many(story, 205)
    story.wait(HOUR)

    assert [len(await story.tick()) for _ in range(3)] == [200, 5, 0]


async def test_timers_of_several_ticks_in_one_chunk_run_in_order(story: Story) -> None:
    await story.open(credit=1000)
    await submit_many(story, 600)
    story.wait(HOUR)

    made = await story.do_all([Tick(at=story.now), Tick(at=story.now), Tick(at=story.now)])

    assert [entry["charge"]["id"] for entry in made] == [f"m{n:03}" for n in range(600)]


async def test_timers_that_find_nothing_to_do_do_not_count(story: Story) -> None:
    await story.open(credit=100)
    for n in range(10):
        await story.top_up(1, expires_at=story.now + 1 + n)
    await story.submit(110, charge="all")
    await story.submit(0, charge="last", lasts=SECOND)
    story.wait(HOUR)

    await story.submit(0, charge_on="submit", charge=None)

    assert story.entries[-2]["charge"]["id"] == "last"


async def test_ticks_and_inputs_in_one_chunk_run_the_same_timers_as_one_by_one(story: Story) -> None:
    await story.open(credit=100)
    first = story.event(Submission, id="first", charge="a", price=10, deadline=story.now + 5)
    second = story.event(Submission, id="second", charge="b", price=10, deadline=story.now + 3)

    made = await story.do_all([first, second, Tick(at=story.now + 4), Tick(at=story.now + 5)])

    assert [told(entry, "kind", "charge.id", "applied_at") for entry in made] == [
        ("reserved", "a", story.now),
        ("reserved", "b", story.now),
        ("expired", "b", story.now + 4),
        ("expired", "a", story.now + 5),
    ]
