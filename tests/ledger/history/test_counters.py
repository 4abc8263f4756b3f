"""Counters through the life of a charge: when units count, and for whom they are given back. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import DAY, HOUR, Entry, Story, told
from tests.ledger_model.counted import Counted, Line, Person, Use

TO = ("+1", "+2", "+10")
NONE = dict.fromkeys(TO, 0)
TEXTS = Use("month", "texts", "graduated", steps=((4, 2), (None, 1)))
"""The first four at 2, all others at 1."""


def texts(units: int, *to: str) -> Counted:
    """So many texts, to each."""
    line = Line(units, 0, 2, 1, 0, "half_up", 1, (TEXTS,))
    return Counted((line,), tuple(Person(name, 0, (0,)) for name in to or ("",)))


def used(entry: Entry) -> int:
    """Units used after an entry that counts."""
    (counter,) = entry["states"]
    assert counter["id"] == "month:texts"
    return int(counter["used"])


async def test_units_of_a_recipient_to_whom_it_went_out_stay_when_the_others_hold_expires(story: Story) -> None:
    await story.open()
    reserved = await story.submit(0, recipients=NONE, counted=texts(2, *TO), lasts=HOUR)
    await story.outcome("sent", to="+1")
    story.wait(HOUR)

    (expired,) = await story.tick()

    assert told(reserved, "price", "line_amounts", "charge.recipients") == (10, [10], {"+1": 4, "+2": 4, "+10": 2})
    assert (used(reserved), used(expired)) == (6, 2)


async def test_units_of_a_recipient_to_whom_it_failed_do_not_count_when_the_others_are_late(story: Story) -> None:
    await story.open()
    await story.submit(0, recipients=NONE, counted=texts(2, *TO), lasts=HOUR)
    await story.outcome("failed", to="+1")
    story.wait(HOUR)
    await story.tick()

    late = await story.outcome("sent")

    assert told(late, "kind", "amount") == ("debited", -6)
    assert used(late) == 4


async def test_failure_that_tells_its_segments_gives_back_in_spite_of_its_fee(story: Story) -> None:
    await story.open()
    await story.submit(0, counted=texts(3), fee=1)

    failed = await story.outcome("failed", price=0, actual=True, counted=texts(3))

    assert told(failed, "kind", "amount", "price") == ("committed", -1, None)
    assert used(failed) == 0


async def test_segments_told_for_one_recipient_leave_the_count_of_all_as_it_is(story: Story) -> None:
    await story.open()
    await story.submit(0, recipients=NONE, counted=texts(2, *TO))

    sent = await story.outcome("sent", to="+1", price=0, actual=True, counted=texts(2))
    failed = await story.outcome("failed", to="+2")

    assert told(sent, "kind", "amount", "price", "states") == ("committed", -4, None, [])
    assert used(failed) == 4


async def test_late_outcome_at_the_agreed_price_counts_nothing_though_its_own_is_the_same(story: Story) -> None:
    await story.open()
    await story.submit(4, lasts=HOUR)
    story.wait(HOUR)
    await story.tick()

    late = await story.outcome("sent", price=0, counted=texts(2))

    assert told(late, "kind", "amount", "states", "charge.takes") == ("debited", -4, [], [])


async def test_message_that_was_denied_counts_when_it_went_out_all_the_same(story: Story) -> None:
    await story.open(credit=3)

    denied = await story.submit(0, counted=texts(2))
    late = await story.outcome("sent")

    assert told(denied, "kind", "price", "states") == ("denied", 4, [])
    assert told(late, "kind", "amount") == ("debited", -4)
    assert used(late) == 2


async def test_of_a_part_only_the_recipients_granted_count(story: Story) -> None:
    await story.open("part", credit=9)

    entry = await story.submit(0, recipients=NONE, counted=texts(2, *TO))

    assert told(entry, "granted.count", "price", "held_change") == (2, 8, 8)
    assert used(entry) == 4


async def test_draft_is_told_what_it_would_cost(story: Story) -> None:
    await story.open()

    entry = await story.submit(0, draft=True, counted=texts(5))

    assert told(entry, "kind", "price", "line_amounts", "states") == ("noted", 9, [9], [])


@pytest.mark.parametrize(("waits", "after"), [(0, 0), (10 * DAY, 3)])
async def test_units_of_a_window_that_is_over_are_given_back_nowhere(story: Story, waits: int, after: int) -> None:
    await story.open()
    await story.submit(0, counted=texts(4), lasts=40 * DAY)
    story.wait(waits)
    if waits:
        await story.submit(0, counted=texts(3), charge="next month")
    await story.outcome("cancelled")

    entry = await story.submit(0, counted=texts(1), charge="last")

    assert (entry["price"], used(entry)) == (2, after + 1)
