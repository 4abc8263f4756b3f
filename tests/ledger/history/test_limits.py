"""Limits: room, windows, carry, what a release returns, what a full one sets off. On both buckets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ledger.history.story import DAY, HOUR, START, Entry, Story, alerts, block_events, told
from tests.ledger_model.inputs import PutLimit, UnblockSender

MIDNIGHT = START // DAY * DAY + DAY
"""The first moment of the story's second day, UTC."""


async def put(story: Story, cap: int | None, level: str = "sender", window: str = "day", **fields: Any) -> Entry:
    """Put a limit, on sender `s1` unless told otherwise."""
    names = {"customer": "anna", "wallet": "main", "user": "u1", "sender": "s1", "campaign": "c1"}
    return await story.command(PutLimit, level=level, name=names[level], window=window, cap=cap, **fields)


def limit(entry: Entry) -> tuple[int, int]:
    """Used and held of the only limit that an entry shows."""
    (state,) = entry["states"]
    return state["used_micros"], state["held_micros"]


async def test_hold_takes_held_and_commit_moves_it_to_used(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 100)

    reserved = await story.submit(40, sender="s1")
    committed = await story.outcome("sent")

    assert limit(reserved) == (0, 40)
    assert limit(committed) == (40, 0)
    assert committed["charge"]["takes"] == [("sender:day:s1", reserved["states"][0]["since_seq"], 0)]


async def test_price_that_fills_the_room_passes_and_one_more_is_denied(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 100)

    last = await story.submit(100, sender="s1")
    denied = await story.submit(1, sender="s1", charge="y")

    assert told(last, "decision") == ("allowed",)
    assert told(denied, "kind", "reason", "decision") == ("denied", "limit_reached", "denied")
    assert denied["after"] == {"available": 900, "held": 100, "overdrawn": 0}


@pytest.mark.parametrize("level", ["customer", "wallet", "user", "sender", "campaign"])
async def test_limit_of_every_level_holds_back_what_is_its_own(story: Story, level: str) -> None:
    await story.open(credit=1_000)
    await put(story, 10, level)

    mine = await story.submit(11, sender="s1", user="u1", campaign="c1")
    others = await story.submit(11, sender="s2", user="u2", campaign="c2", charge="y")

    assert told(mine, "kind", "reason") == ("denied", "limit_reached")
    assert others["kind"] == ("denied" if level in ("customer", "wallet") else "reserved")


async def test_limit_is_told_once_a_window(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 10)

    filled = await story.submit(10, sender="s1")
    denied = await story.submit(1, sender="s1", charge="y")
    story.now = MIDNIGHT
    again = await story.submit(11, sender="s1", charge="z")

    assert alerts(filled) == ["limit.reached"]
    assert alerts(denied) == []
    assert alerts(again) == ["limit.reached"]


async def test_sender_that_found_no_room_is_blocked_until_the_window_ends(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 10)
    denied = await story.submit(11, sender="s1")
    blocked = await story.submit(1, sender="s1", charge="y")
    story.now = MIDNIGHT - 1
    early = await story.tick()
    story.now = MIDNIGHT

    (lifted,) = await story.tick()

    assert block_events(denied) == [("sender", "s1", True)]
    assert denied["blocks"][0]["until"] == MIDNIGHT
    assert told(blocked, "reason") == ("blocked",)
    assert early == []
    assert told(lifted, "kind", "reason", "customer", "due_at") == ("unblocked", "limit_reached", "anna", MIDNIGHT)
    assert block_events(lifted) == [("sender", "s1", False)]
    assert told(await story.submit(10, sender="s1", charge="z"), "kind") == ("reserved",)


async def test_raised_limit_frees_the_sender_at_once(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 10)
    await story.submit(11, sender="s1")

    raised = await put(story, 11)

    assert block_events(raised) == [("sender", "s1", False)]
    assert told(await story.submit(11, sender="s1", charge="y"), "kind") == ("reserved",)


async def test_limit_taken_away_frees_the_sender_and_holds_nothing_back(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 10)
    await story.submit(11, sender="s1")

    gone = await put(story, None)

    assert gone["states"][0]["gone"]
    assert block_events(gone) == [("sender", "s1", False)]
    assert (await story.submit(500, sender="s1", charge="y"))["states"] == []
    assert told(await put(story, None), "kind", "reason") == ("refused", "unknown_limit")


async def test_denied_sender_that_was_freed_by_hand_is_blocked_again(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 10)
    await story.submit(11, sender="s1")
    await story.command(UnblockSender, sender="s1")

    again = await story.submit(11, sender="s1", charge="y")

    assert block_events(again) == [("sender", "s1", True)]
    assert again["states"][0]["blocked"] == ["s1"]


async def test_several_recipients_are_denied_without_a_block(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 10)

    denied = await story.submit(11, sender="s1", recipients={"+1": 5, "+2": 6})

    assert told(denied, "reason", "blocks") == ("limit_reached", [])


async def test_release_gives_room_back_in_its_window(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 100)
    await story.submit(60, sender="s1")

    released = await story.outcome("failed")

    assert limit(released) == (0, 0)


async def test_release_after_the_window_gives_no_room_in_the_next(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 100)
    await story.submit(60, sender="s1")
    story.now = MIDNIGHT
    await story.submit(30, sender="s1", charge="y")

    released = await story.outcome("failed")

    assert limit(released) == (0, 30)


async def test_commit_after_the_window_is_not_used_in_the_next(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 100)
    await story.submit(60, sender="s1")
    story.now = MIDNIGHT
    await story.submit(30, sender="s1", charge="y")

    assert limit(await story.outcome("sent")) == (0, 30)


async def test_carried_limit_adds_what_is_left_to_the_next_window(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 100, carry=True)
    await story.submit(30, sender="s1")
    await story.outcome("sent")
    story.now = MIDNIGHT + DAY

    last = await story.submit(270, sender="s1", charge="y")
    denied = await story.submit(1, sender="s1", charge="z")

    assert limit(last) == (-170, 270)
    assert told(denied, "reason") == ("limit_reached",)


async def test_carried_limit_takes_a_release_of_an_earlier_window(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 100, carry=True)
    await story.submit(100, sender="s1")
    story.now = MIDNIGHT
    await story.submit(100, sender="s1", charge="y")

    released = await story.outcome("failed")

    assert limit(released) == (-100, 100)


async def test_what_has_happened_goes_over_the_cap_and_says_so(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 10)

    recorded = await story.record(25, sender="s1")
    late = await story.outcome("sent", charge="late", price=5, sender="s1")

    assert told(recorded, "kind", "reason", "amount") == ("debited", "limit_reached", -25)
    assert alerts(recorded) == ["limit.reached"]
    assert told(late, "kind", "reason") == ("debited", "late")
    assert limit(late) == (30, 0)


async def test_commit_above_the_hold_is_used_in_full(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 10)
    await story.submit(8, sender="s1")

    committed = await story.outcome("sent", price=14, actual=True)

    assert told(committed, "kind", "reason") == ("committed", "limit_reached")
    assert limit(committed) == (14, 0)


async def test_hold_that_expires_gives_its_room_back(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 10)
    await story.submit(8, sender="s1", lasts=HOUR)
    story.wait(HOUR)

    (expired,) = await story.tick()

    assert told(expired, "kind", "reason") == ("expired", "hold")
    assert limit(expired) == (0, 0)


async def test_recipient_that_settles_moves_its_share_alone(story: Story) -> None:
    await story.open(credit=1_000)
    await put(story, 100)
    await story.submit(30, sender="s1", recipients={"+1": 10, "+2": 20})

    sent = await story.outcome("sent", to="+1")
    failed = await story.outcome("failed", to="+2")

    assert limit(sent) == (10, 20)
    assert limit(failed) == (10, 0)


async def test_day_is_the_customers(story: Story) -> None:
    await story.open(credit=1_000, time_zone="Europe/Madrid")
    entry = await put(story, 100)

    assert told(entry["states"][0], "starts_at_ms", "ends_at_ms") == (MIDNIGHT - DAY - 2 * HOUR, MIDNIGHT - 2 * HOUR)


async def test_first_limit_of_a_level_and_window_raises_the_version_and_the_next_does_not(story: Story) -> None:
    await story.open(credit=0)

    first = await put(story, 10)
    changed = await put(story, 20)
    other = await put(story, 10, "campaign", "month")

    assert told(first["settings"], "version", "limits", "limits_count") == (2, 2**16, 1)
    assert changed["settings"] is None
    assert told(other["settings"], "version", "limits_count") == (3, 2)
