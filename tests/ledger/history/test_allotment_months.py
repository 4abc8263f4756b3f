"""The beginning of a month: what is added to totals, what rolls over, what lapses. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import DAY, Story, told
from tests.ledger.history.user_story import MONTHS, assign, line, open_with, pass_month, put, send
from tests.ledger_model.inputs import SetOptions


@pytest.mark.requirement("PL-42")
async def test_month_begins_with_one_addition_a_user_in_order_even_after_downtime(story: Story) -> None:
    await open_with(story, alice=10, bob=20)
    story.now = MONTHS[1] - 1
    early = await story.tick()

    additions = await pass_month(story, 3)
    again = await story.tick()

    assert early == []
    assert again == []
    assert [(entry["due_at"], line(entry, "user", "change")) for entry in additions] == [
        (due, (user, amount)) for due in MONTHS[1:4] for user, amount in (("alice", 10), ("bob", 20))
    ]
    assert line(additions[-2], "total", "subtotal") == (40, 40)


@pytest.mark.requirement("PL-42")
@pytest.mark.requirement("C-23")
async def test_yearly_plan_adds_by_the_month_from_the_billing_start(story: Story) -> None:
    await open_with(story, "users, yearly", alice=100)

    additions = await pass_month(story, 2)

    assert [entry["due_at"] for entry in additions] == MONTHS[1:3]
    assert told(await put(story, "bob", per_month=1), "reason") == ("all_assigned",), "a twelfth of the year's credit"


@pytest.mark.requirement("PL-43")
async def test_total_is_what_rolled_over_and_was_added_less_what_was_used(story: Story) -> None:
    await open_with(story)
    first = await put(story, "alice", per_month=10)
    await send(story, "alice", 6)

    (second,) = await pass_month(story, 1)
    added = await assign(story, "alice", add=5)
    sent = await send(story, "alice", 2)
    (last,) = await pass_month(story, 2)

    assert [line(entry, "total") for entry in (first, second, added)] == [10, 14, 19]
    assert sent["decision"] == "allowed"
    assert line(last, "total", "change") == (27, 10), "17, and 10 of the month"


@pytest.mark.requirement("PL-44")
async def test_debit_needs_entitlement_and_pool_credit(story: Story) -> None:
    await open_with(story, alice=20)
    await send(story, "olga", 100)

    no_pool = await send(story, "alice", 1)
    await story.top_up(50)
    no_total = await send(story, "alice", 21)
    covered = await send(story, "alice", 20)

    assert told(no_pool, "decision", "reason") == ("denied", "pool_empty")
    assert told(no_total, "decision", "reason") == ("denied", "limit_reached")
    assert told(covered, "decision") == ("allowed",)


@pytest.mark.requirement("PL-44")
async def test_pool_lot_lapses_at_the_cycles_end_and_the_total_rolls_over(story: Story) -> None:
    await open_with(story, alice=20)
    story.now = MONTHS[1]

    lapsed, added, granted = await story.tick()

    assert told(lapsed, "kind", "reason", "amount") == ("expired", "lot", -100)
    assert told(granted, "kind", "amount") == ("granted", 100)
    assert line(added, "total", "lapsed") == (40, 0)


@pytest.mark.requirement("PL-44")
@pytest.mark.requirement("C-05")
@pytest.mark.parametrize(
    ("plan", "rop", "total"), [("users", False, 25), ("users, never", True, 10), ("users, rop", False, 10)]
)
async def test_what_is_left_of_a_total_rolls_over_as_the_plan_says(
    story: Story, plan: str, *, rop: bool, total: int
) -> None:
    await open_with(story, plan, alice=10)
    await assign(story, "alice", add=5)
    await story.command(SetOptions, rop=rop)

    (added,) = await pass_month(story, 1)

    assert line(added, "total", "change", "lapsed") == (total, total - 15, 25 - total)
    assert line(added, "subtotal") == total
    if plan == "users, rop":
        await story.command(SetOptions, rop=True)
        assert line((await pass_month(story, 2))[0], "total") == 20


async def test_what_was_held_when_a_total_lapsed_counts_nowhere_and_what_is_missing_stays(story: Story) -> None:
    await open_with(story, "users, never", alice=10)
    await story.submit(4, user="alice", charge="x", lasts=90 * DAY)
    await story.record(9, user="alice")

    (added,) = await pass_month(story, 1)
    released = await story.outcome("failed", charge="x")

    assert line(added, "total", "lapsed") == (10, 1), "9 of 10 used, 4 of the 1 left held"
    assert released["states"] == [] or released["states"][0]["held_micros"] == 0
    await story.record(12, user="alice")
    assert line((await pass_month(story, 2))[0], "total", "lapsed") == (8, 0)
