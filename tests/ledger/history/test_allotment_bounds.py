"""Totals of users at the ends of what numbers hold: what is missing counts down to -(2^53 - 1). On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import Story
from tests.ledger.history.user_story import MONTHS, assign, line, open_with, pass_month, put
from tests.ledger_model.user_inputs import CloseUser

MOST = 2**53 - 1


async def spend_the_most(story: Story, month: int, times: int) -> None:
    """Have the user's usage come to nearly the largest amount, so many times: it has happened, so it counts."""
    story.now = MONTHS[month] + 1_000
    for _ in range(times):
        await story.adjust(MOST - 1_000)
        entry = await story.record(MOST - 1_000, user="alice")
        assert entry["kind"] == "debited"


@pytest.mark.requirement("PL-42")
@pytest.mark.requirement("PL-43")
async def test_what_is_missing_goes_along_down_to_the_largest_amount(story: Story) -> None:
    """Beyond it Lua's numbers are no longer exact: an odd amount would come out as an even one."""
    await open_with(story, alice=10)
    totals = []
    for month in range(3):
        await spend_the_most(story, month, 2)
        (added,) = await pass_month(story, month + 1)
        totals.append(line(added, "total", "change"))
    assert totals == [(20 - MOST, 10), (10 - MOST, 10), (10 - MOST, 10)]


@pytest.mark.requirement("PL-43")
async def test_total_that_is_furthest_below_zero_is_told_exactly_and_can_be_made_good(story: Story) -> None:
    await open_with(story, alice=11)
    await spend_the_most(story, 0, 2)
    await pass_month(story, 1)
    await spend_the_most(story, 1, 2)
    (added,) = await pass_month(story, 2)
    story.now = MONTHS[2] + 1_000
    at_once = await assign(story, "alice", total=1)
    lowered = await put(story, "alice", per_month=4)
    assert line(added, "total") == 11 - MOST
    assert (at_once["kind"], line(at_once, "total", "change")) == ("refused", (11 - MOST, 0))
    assert line(lowered, "total") == 11 - MOST, "what is not left cannot be taken"


@pytest.mark.requirement("PL-42")
async def test_user_whose_total_is_furthest_below_zero_ends_with_a_sum_that_can_be_told(story: Story) -> None:
    await open_with(story, alice=12)
    await spend_the_most(story, 0, 2)
    await pass_month(story, 1)
    await spend_the_most(story, 1, 2)
    ended = await story.command(CloseUser, user="alice")
    assert line(ended, "subtotal") == MOST
