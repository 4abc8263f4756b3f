"""Scheduled messages and part grants: what a shortfall means, by plan. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import Story, block_events, told

TEN = {f"+{number}": 1 for number in range(10, 0, -1)}
FIRST_THREE = {"+10": 1, "+9": 1, "+8": 1}


async def send_scheduled(story: Story, count: int) -> list[dict[str, object]]:
    """Have that many scheduled messages of 1 fall due; return their entries."""
    return [await story.submit(1, charge=f"m{n}", charge_on="submit", scheduled=True) for n in range(count)]


@pytest.mark.requirement("BM-17")
@pytest.mark.parametrize("plan", ["plain", "part"])
async def test_scheduled_broadcast_that_is_not_covered_fails_as_a_whole_and_stays_failed(
    story: Story, plan: str
) -> None:
    await story.open(plan, credit=9)

    entry = await story.submit(10, recipients=TEN, broadcast=True, scheduled=True)
    recharged = await story.top_up(100)

    assert told(entry, "kind", "reason", "decision", "amount", "held_change") == (
        "denied", "insufficient_credit", "denied", 0, 0,
    )  # fmt: skip
    assert told(entry, "charge.state", "granted", "blocks") == ("denied", None, [])
    assert told(recharged, "kind", "amount", "held_change", "charge") == ("topped_up", 100, 0, None)
    assert await story.tick() == []
    assert story.available == 109


@pytest.mark.requirement("BM-17")
async def test_single_scheduled_message_that_is_not_covered_blocks_nobody(story: Story) -> None:
    await story.open(credit=2)

    entry = await story.submit(3, sender="s", scheduled=True)

    assert told(entry, "reason", "blocks") == ("insufficient_credit", [])


@pytest.mark.requirement("PL-57")
async def test_at_balance_3_without_overdraft_exactly_3_of_10_scheduled_messages_go_out(story: Story) -> None:
    await story.open("flag", credit=3)

    entries = await send_scheduled(story, 10)

    assert [entry["decision"] for entry in entries] == ["allowed"] * 3 + ["denied"] * 7
    assert [entry["reason"] for entry in entries[3:]] == ["insufficient_credit"] + ["blocked"] * 6
    assert story.available == 0


@pytest.mark.requirement("PL-57")
async def test_with_overdraft_some_more_go_out_until_the_flag_and_never_beyond_the_limit(story: Story) -> None:
    await story.open("flag and overdraft", credit=3)

    entries = await send_scheduled(story, 10)

    assert [entry["decision"] for entry in entries] == ["allowed"] * 5 + ["denied"] * 5
    assert story.figures == {"available": -2, "held": 0, "overdrawn": 2}


@pytest.mark.requirement("PL-57")
async def test_flag_that_a_new_message_sets_holds_scheduled_ones_back_at_once(story: Story) -> None:
    await story.open("flag and overdraft", credit=3)
    await send_scheduled(story, 3)

    new = await story.submit(1)
    late = await story.submit(1, charge="late", scheduled=True)

    assert told(new, "kind", "reason") == ("denied", "insufficient_credit")
    assert block_events(new) == [("wallet", "main", True)]
    assert told(late, "kind", "reason") == ("denied", "blocked")
    assert story.available == 0


async def test_scheduled_broadcast_goes_to_those_who_are_covered_until_the_limit(story: Story) -> None:
    await story.open("flag and overdraft", credit=3)

    entry = await story.submit(10, recipients=TEN, broadcast=True, scheduled=True)

    assert told(entry, "kind", "granted", "held_change") == (
        "reserved", {"of": "recipients", "count": 5, "asked": 10}, 5,
    )  # fmt: skip


async def test_broadcast_that_is_covered_in_part_is_granted_to_the_first_in_their_order(story: Story) -> None:
    await story.open("part", credit=3)

    entry = await story.submit(10, recipients=TEN, broadcast=True)
    granted = [await story.outcome("sent", to=to) for to in FIRST_THREE]
    beyond = await story.outcome("sent", to="+7")

    assert told(entry, "kind", "decision", "granted", "held_change", "blocks") == (
        "reserved", "allowed", {"of": "recipients", "count": 3, "asked": 10}, 3, [],
    )  # fmt: skip
    assert told(entry, "charge.price", "charge.recipients") == (3, FIRST_THREE)
    assert [outcome["amount"] for outcome in granted] == [-1, -1, -1]
    assert granted[-1]["charge"]["state"] == "committed"
    assert told(beyond, "kind", "reason", "amount") == ("noted", "settled", 0)


async def test_broadcast_debited_at_once_is_granted_in_part_too(story: Story) -> None:
    await story.open("part", credit=3)

    entry = await story.submit(10, recipients=TEN, broadcast=True, charge_on="submit")

    assert told(entry, "kind", "amount", "granted.count", "charge.price") == ("debited", -3, 3, 3)


async def test_part_that_is_nobody_is_a_denial(story: Story) -> None:
    await story.open("part", credit=3)

    entry = await story.submit(9, recipients={"+1": 4, "+2": 1, "+3": 4}, broadcast=True)

    assert told(entry, "kind", "reason", "granted") == ("denied", "insufficient_credit", None)
    assert told(entry, "charge.price", "charge.recipients") == (9, {"+1": 4, "+2": 1, "+3": 4})


async def test_repeat_of_a_part_grant_gets_the_same_part(story: Story) -> None:
    await story.open("part", credit=3)
    first = await story.submit(10, recipients=TEN, broadcast=True)

    again = await story.repeat()

    assert told(again, "kind", "decision", "granted", "amount") == ("duplicate", "allowed", first["granted"], 0)


async def test_text_to_one_is_never_cut(story: Story) -> None:
    await story.open("part", credit=3)

    entry = await story.submit(10)

    assert told(entry, "kind", "reason", "granted") == ("denied", "insufficient_credit", None)


async def test_without_the_policy_a_broadcast_is_for_all_or_none(story: Story) -> None:
    await story.open(credit=9)

    entry = await story.submit(10, recipients=TEN, broadcast=True)

    assert told(entry, "kind", "reason", "granted", "blocks") == ("denied", "insufficient_credit", None, [])
