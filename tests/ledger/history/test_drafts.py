"""Drafts, on both buckets: what they would cost, told when they are made; nothing is held for them."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import Story, told
from tests.ledger_model.inputs import SetPlan, Suspend


@pytest.mark.requirement("BM-13")
@pytest.mark.requirement("C-25")
async def test_draft_that_costs_more_than_there_is_tells_the_shortfall_and_holds_nothing(story: Story) -> None:
    await story.open(credit=50)

    draft = await story.submit(80, draft=True, broadcast=True)
    later = await story.submit(50, charge_on="submit")

    assert told(draft, "kind", "decision", "reason") == ("noted", "allowed", "insufficient_credit")
    assert draft["granted"] == {"of": "credit", "count": 50, "asked": 80}
    assert [(alert["type"], alert["level"]) for alert in draft["alerts"]] == [("credit.short", 30)]
    assert (draft["amount"], draft["held_change"], draft["charge"], draft["blocks"]) == (0, 0, None, [])
    assert told(later, "decision", "amount") == ("allowed", -50)


@pytest.mark.requirement("C-25")
async def test_plan_may_refuse_such_a_draft_and_blocks_nobody(story: Story) -> None:
    await story.open("refuses drafts", credit=50)

    draft = await story.submit(80, draft=True, sender="s1")

    assert told(draft, "kind", "decision", "reason", "blocks") == ("denied", "denied", "insufficient_credit", [])
    assert [alert["type"] for alert in draft["alerts"]] == ["credit.short"]
    assert (await story.submit(50, sender="s1"))["decision"] == "allowed"


async def test_covered_draft_is_allowed_at_any_time_and_its_repeat_gets_the_first_answer(story: Story) -> None:
    await story.open(credit=50)
    enough = await story.submit(50, draft=True)
    short = await story.submit(51, draft=True)
    repeat = await story.repeat()

    assert told(enough, "kind", "decision", "reason", "granted") == ("noted", "allowed", None, None)
    assert enough["alerts"] == []
    assert told(repeat, "kind", "decision", "reason") == ("duplicate", "allowed", "insufficient_credit")
    assert repeat["granted"] == short["granted"]


async def test_draft_counts_the_overdraft_that_it_may_use_and_what_is_overdrawn_already(story: Story) -> None:
    await story.open("overdraft", credit=5)
    await story.record(25)

    draft = await story.submit(40, draft=True)

    assert draft["granted"] == {"of": "credit", "count": 10, "asked": 40}
    await story.record(25)
    assert (await story.submit(40, draft=True))["granted"] == {"of": "credit", "count": -15, "asked": 40}


@pytest.mark.requirement("BM-14")
async def test_draft_of_a_locked_or_suspended_account_is_denied(story: Story) -> None:
    await story.open("locked", credit=0)
    await story.submit(1)
    locked = await story.submit(1, draft=True, charge="y")
    await story.command(SetPlan, plan="plain")
    saved = await story.submit(1, draft=True, charge="y")
    await story.command(Suspend)
    suspended = await story.submit(1, draft=True, charge="y")

    assert [told(entry, "kind", "reason") for entry in (locked, saved, suspended)] == [
        ("denied", "account_locked"),
        ("noted", "insufficient_credit"),
        ("denied", "suspended"),
    ]
