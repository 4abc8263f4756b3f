"""Exact money: amounts at which a careless Lua rounds, and the ends of the range. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import Story, told

MOST = 2**53 - 1


@pytest.mark.parametrize("amount", [10**14 + 1, 123_456_789_012_345, MOST])
async def test_large_amounts_go_through_to_the_last_micro_unit(story: Story, amount: int) -> None:
    await story.open(credit=amount)

    reserved = await story.submit(amount - 2)
    entry = await story.outcome("sent", price=amount - 3, actual=True)
    more = await story.top_up(amount - 3)

    assert told(reserved, "held_change", "charge.price") == (amount - 2, amount - 2)
    assert reserved["charge"]["parts"] == [("0-2", amount - 2)]
    assert told(entry, "amount", "held_change", "charge.committed") == (3 - amount, 2 - amount, amount - 3)
    assert entry["after"] == {"available": 3, "held": 0, "overdrawn": 0}
    assert more["after"] == {"available": amount, "held": 0, "overdrawn": 0}


async def test_alert_and_block_levels_are_exact_at_large_amounts(story: Story) -> None:
    level = 10**14 + 1
    await story.open(credit=level + 1)
    await story.set_alert(level)

    low = await story.submit(1, charge_on="submit")
    denied = await story.submit(level + 1, sender="s", charge="y")
    lifted = await story.top_up(1)

    assert [alert["level"] for alert in low["alerts"]] == [level]
    assert [block["needed"] for block in denied["blocks"]] == [level + 1]
    assert [block["blocked"] for block in lifted["blocks"]] == [False]


async def test_balance_may_reach_the_end_of_the_range_but_not_beyond(story: Story) -> None:
    await story.open(credit=MOST)
    await story.submit(5, charge_on="submit")

    beyond = await story.top_up(6)
    up_to = await story.top_up(5)

    assert told(beyond, "kind", "reason") == ("refused", "amount_out_of_range")
    assert up_to["after"]["available"] == MOST


async def test_recorded_usage_that_would_leave_the_range_is_denied(story: Story) -> None:
    await story.open(credit=0)
    await story.record(MOST)

    entry = await story.record(1)

    assert told(entry, "kind", "reason", "amount") == ("denied", "amount_out_of_range", 0)


async def test_correction_that_would_leave_the_range_is_denied(story: Story) -> None:
    await story.open(credit=MOST)

    entry = await story.adjust_charge(-1)

    assert told(entry, "kind", "reason", "amount") == ("denied", "amount_out_of_range", 0)


async def test_late_outcome_that_would_leave_the_range_is_noted_and_may_come_again(story: Story) -> None:
    await story.open(credit=0)
    await story.submit(40)
    await story.record(MOST)

    noted = await story.outcome("sent")
    await story.top_up(40)
    entry = await story.outcome("sent")

    assert told(noted, "kind", "reason") == ("noted", "amount_out_of_range")
    assert told(entry, "kind", "reason", "amount") == ("debited", "late", -40)


async def test_commit_that_would_leave_the_range_keeps_the_hold(story: Story) -> None:
    await story.open("boundless", credit=0)
    await story.submit(40)
    await story.record(MOST - 40)

    noted = await story.outcome("sent", price=MOST, actual=True)
    entry = await story.outcome("sent")

    assert told(noted, "kind", "reason", "held_change") == ("noted", "amount_out_of_range", 0)
    assert told(entry, "kind", "amount", "held_change") == ("committed", -40, -40)


async def test_hold_that_would_leave_the_range_is_denied_and_blocks_nobody(story: Story) -> None:
    await story.open("boundless", credit=100)
    await story.submit(MOST - 10)

    entry = await story.submit(11, sender="s", charge="y")

    assert told(entry, "kind", "reason", "decision", "blocks", "charge") == (
        "denied", "amount_out_of_range", "denied", [], None,
    )  # fmt: skip


async def test_extension_that_would_leave_the_range_is_denied(story: Story) -> None:
    await story.open("boundless", credit=100)
    await story.submit(MOST - 10)

    entry = await story.extend(11, sender="s")

    assert told(entry, "kind", "reason", "decision") == ("denied", "amount_out_of_range", "denied")
