"""Calls priced by what their charge keeps: extended, ended, granted in part. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import HOUR, Story, block_events, told
from tests.ledger_model.calls import Call

MINUTE = Call(seconds=60, first=60, next=60, per_minute=2, headroom=60)
"""2 a minute by whole minutes, one minute of headroom."""


@pytest.mark.requirement("PL-26")
@pytest.mark.parametrize(("seconds", "debited"), [(150, 6), (60, 2), (1, 2), (0, 0)])
async def test_call_reserved_for_a_minute_and_a_step_settles_at_what_it_really_was(
    story: Story, seconds: int, debited: int
) -> None:
    await story.open(credit=10)
    reserved = await story.call(MINUTE)

    ended = await story.end_call(None, seconds=seconds)

    assert reserved["held_change"] == 4
    assert told(ended, "kind", "amount", "held_change", "price") == ("committed", -debited, -4, debited)
    assert story.figures == {"available": 10 - debited, "held": 0, "overdrawn": 0}


async def test_extension_without_a_price_of_its_own_reserves_what_all_seconds_cost_more(story: Story) -> None:
    await story.open(credit=200)
    call = Call(seconds=30, first=30, next=6, per_minute=60, connect_fee=5)
    started = await story.call(call)

    within = await story.extend(None, seconds=1)
    more = await story.extend(None, seconds=60)
    ended = await story.end_call(None, seconds=91)

    assert started["held_change"] == 35
    assert told(within, "kind", "held_change", "price") == ("extended", 6, 6)
    assert told(more, "held_change", "charge.price", "charge.held") == (60, 101, 101)
    assert more["charge"]["call"].seconds == 91
    assert told(ended, "kind", "amount", "held_change") == ("committed", -101, -101)


async def test_price_of_the_event_itself_does_not_matter_where_the_terms_are_known(story: Story) -> None:
    await story.open(credit=100)
    await story.call(MINUTE)

    extended = await story.extend(77, seconds=60)
    ended = await story.end_call(77, seconds=61)

    assert told(extended, "held_change", "price") == (2, 2)
    assert told(ended, "amount", "price") == (-4, 4)


async def test_what_the_headroom_covers_already_costs_an_extension_nothing(story: Story) -> None:
    await story.open(credit=100)
    call = Call(seconds=1, first=60, next=60, per_minute=2, headroom=60)
    await story.call(call)

    entry = await story.extend(None, seconds=59)

    assert told(entry, "kind", "decision", "held_change", "price") == ("extended", "allowed", 0, 0)


@pytest.mark.parametrize("state", ["released", "expired", "denied"])
async def test_late_end_is_priced_by_the_terms_too(story: Story, state: str) -> None:
    await story.open(credit=3 if state == "denied" else 10)
    await story.call(MINUTE, lasts=HOUR)
    if state == "released":
        await story.outcome("cancelled")
    if state == "expired":
        story.wait(HOUR)

    entry = await story.end_call(None, seconds=121)

    assert told(entry, "kind", "reason", "amount", "price") == ("debited", "late", -6, 6)


@pytest.mark.parametrize("known", [True, False])
async def test_extension_of_a_charge_without_terms_and_without_a_price_is_denied(story: Story, *, known: bool) -> None:
    await story.open(credit=100)
    if known:
        await story.submit(40)

    entry = await story.extend(None, seconds=60)

    assert told(entry, "kind", "reason", "decision") == ("denied", "unpriced" if known else "unknown_charge", "denied")


async def test_extension_that_is_covered_in_part_is_granted_to_the_last_covered_second_as_the_final_unit(
    story: Story,
) -> None:
    await story.open("final unit", credit=100)
    await story.call(Call(seconds=30, first=30, next=6, per_minute=60, headroom=6))

    final = await story.extend(None, seconds=90)
    beyond = await story.extend(None, seconds=6, sender="s")
    ended = await story.end_call(None, seconds=102)

    assert told(final, "kind", "decision", "granted") == (
        "extended", "allowed", {"of": "seconds", "count": 66, "asked": 90},
    )  # fmt: skip
    assert told(final, "held_change", "after.available") == (60, 4)
    assert told(beyond, "kind", "reason") == ("denied", "insufficient_credit")
    assert block_events(beyond) == [("sender", "s", True)]
    assert told(ended, "amount", "after.overdrawn") == (-102, 2)


async def test_call_that_is_covered_in_part_begins_with_its_final_unit(story: Story) -> None:
    await story.open("final unit", credit=45)

    entry = await story.call(Call(seconds=60, first=30, next=6, per_minute=60, headroom=6))

    assert told(entry, "kind", "granted", "held_change") == (
        "reserved", {"of": "seconds", "count": 42, "asked": 60}, 42,
    )  # fmt: skip
    assert entry["charge"]["call"].seconds == 42


async def test_call_whose_first_second_is_not_covered_is_denied(story: Story) -> None:
    await story.open("final unit", credit=29)

    entry = await story.call(Call(seconds=60, first=30, next=6, per_minute=60))

    assert told(entry, "kind", "reason", "granted") == ("denied", "insufficient_credit", None)


async def test_without_the_policy_an_extension_is_for_all_seconds_or_none(story: Story) -> None:
    await story.open(credit=40)
    await story.call(Call(seconds=30, first=30, next=6, per_minute=60))

    entry = await story.extend(None, seconds=60)

    assert told(entry, "kind", "reason", "granted", "price") == ("denied", "insufficient_credit", None, 60)
