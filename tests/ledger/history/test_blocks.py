"""Blocks: what sets them, what lifts them, and one event per change of state. On both buckets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ledger.history.story import Story, block_events, told
from tests.ledger_model.inputs import BlockSender, Resume, Submission, Suspend, UnblockSender


@pytest.mark.requirement("INF-13")
@pytest.mark.requirement("BM-02")
async def test_hundred_refused_sends_block_once_and_a_recharge_unblocks_once(story: Story) -> None:
    await story.open(credit=10)
    refused = [await story.submit(40, sender="s", charge=f"m{n}") for n in range(100)]

    lifted = await story.top_up(100)
    after = await story.submit(40, sender="s")

    assert block_events(refused[0]) == [("sender", "s", True)]
    assert [event for entry in refused[1:] for event in block_events(entry)] == []
    assert {entry["decision"] for entry in refused} == {"denied"}
    assert {entry["reason"] for entry in refused[1:]} == {"blocked"}
    assert block_events(lifted) == [("sender", "s", False)]
    assert after["decision"] == "allowed"


@pytest.mark.requirement("BM-02")
@pytest.mark.requirement("PL-35")
@pytest.mark.requirement("BM-19")
async def test_empty_wallet_is_blocked_as_a_whole_until_credit_comes(story: Story) -> None:
    await story.open(credit=40)
    await story.submit(40, charge_on="submit", charge=None)

    denied = await story.submit(5, sender="s")
    other = await story.submit(1, sender="other", charge="y")
    lifted = await story.top_up(5)
    allowed = await story.submit(5, sender="s", charge="z")

    assert told(denied, "reason", "amount", "after") == (
        "insufficient_credit", 0, {"available": 0, "held": 0, "overdrawn": 0},
    )  # fmt: skip
    assert denied["blocks"] == [
        {
            "level": "wallet",
            "id": "main",
            "reason": "insufficient_credit",
            "wallet": "main",
            "needed": 5,
            "causes": ["insufficient_credit"],
            "until": 0,
            "since": story.now,
            "since_seq": denied["seq"],
            "changed": True,
            "blocked": True,
        }
    ]
    assert told(other, "reason", "blocks") == ("blocked", [])
    assert block_events(lifted) == [("wallet", "main", False)]
    assert allowed["decision"] == "allowed"


async def test_block_is_lifted_only_when_enough_for_the_denied_charge_is_there(story: Story) -> None:
    await story.open(credit=10)
    await story.submit(40, sender="s")

    too_little = await story.top_up(29)
    enough = await story.top_up(1)

    assert (block_events(too_little), block_events(enough)) == ([], [("sender", "s", False)])


@pytest.mark.requirement("BM-16")
@pytest.mark.parametrize(("overdrawn", "unblocked"), [(20, True), (120, False)])
async def test_recharge_of_an_overdrawn_wallet_unblocks_it_when_it_fills_the_shortfall(
    story: Story, overdrawn: int, *, unblocked: bool
) -> None:
    await story.open(credit=0)
    await story.record(overdrawn, sender="s")

    entry = await story.top_up(100)

    assert entry["after"]["available"] == 100 - overdrawn
    assert block_events(entry) == ([("wallet", "main", False)] if unblocked else [])


async def test_event_without_a_sender_blocks_nobody_while_some_credit_is_left(story: Story) -> None:
    await story.open(credit=10)

    entry = await story.submit(40)

    assert told(entry, "reason", "blocks") == ("insufficient_credit", [])


@pytest.mark.parametrize(
    "fields", [{"broadcast": True}, {"recipients": {"+1": 20, "+2": 20}}], ids=["broadcast", "two"]
)
async def test_denied_message_to_several_never_blocks(story: Story, fields: dict[str, Any]) -> None:
    await story.open(credit=10)

    entry = await story.submit(40, sender="s", **fields)

    assert told(entry, "reason", "blocks") == ("insufficient_credit", [])


async def test_overdraft_limit_counts_towards_what_is_needed(story: Story) -> None:
    await story.open("overdraft", credit=10)

    denied = await story.submit(45, sender="s")
    lifted = await story.top_up(5)
    allowed = await story.submit(45, sender="s")

    assert [(block["level"], block["needed"]) for block in denied["blocks"]] == [("sender", 15)]
    assert block_events(lifted) == [("sender", "s", False)]
    assert allowed["decision"] == "allowed"


async def test_release_lifts_a_block_as_a_top_up_does(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(100, charge="held")
    await story.submit(5, sender="s")

    entry = await story.outcome("failed", charge="held")

    assert told(entry, "kind") == ("released",)
    assert block_events(entry) == [("wallet", "main", False)]


async def test_senders_are_unblocked_in_order_of_blocking_after_the_wallet(story: Story) -> None:
    await story.open(credit=10)
    await story.submit(30, sender="z", charge="1")
    await story.submit(20, sender="b", charge="2")
    await story.submit(99, sender="never", charge="3")
    await story.record(10)
    await story.submit(1, sender="other", charge="4")

    entry = await story.top_up(40)

    assert block_events(entry) == [("wallet", "main", False), ("sender", "z", False), ("sender", "b", False)]


async def test_sender_blocked_by_hand_as_well_stays_blocked_when_credit_comes(story: Story) -> None:
    await story.open(credit=10)
    await story.submit(40, sender="s")
    by_hand = await story.command(BlockSender, sender="s")

    topped_up = await story.top_up(100)
    denied = await story.submit(1, sender="s", charge="y")
    lifted = await story.command(UnblockSender, sender="s")

    assert told(by_hand, "kind") == ("blocked",)
    assert block_events(by_hand) == block_events(topped_up) == []
    assert [(block["blocked"], block["causes"]) for block in topped_up["blocks"]] == [(True, ["manual"])]
    assert denied["reason"] == "blocked"
    assert block_events(lifted) == [("sender", "s", False)]


async def test_unblocking_by_hand_lifts_want_of_credit_too(story: Story) -> None:
    await story.open(credit=10)
    await story.submit(40, sender="s")

    lifted = await story.command(UnblockSender, sender="s")
    allowed = await story.submit(1, sender="s", charge="y")
    later = await story.top_up(100)

    assert block_events(lifted) == [("sender", "s", False)]
    assert allowed["decision"] == "allowed"
    assert block_events(later) == []


async def test_unblocking_one_sender_by_hand_leaves_the_others_to_be_lifted_in_their_order(story: Story) -> None:
    await story.open(credit=10)
    for sender in ("z", "s", "a"):
        await story.submit(40, sender=sender, charge=sender)

    await story.command(UnblockSender, sender="s")
    entry = await story.top_up(100)

    assert block_events(entry) == [("sender", "z", False), ("sender", "a", False)]


async def test_suspension_blocks_the_customer_and_resuming_unblocks_it(story: Story) -> None:
    await story.open()

    suspended = await story.command(Suspend)
    denied = await story.submit(1)
    resumed = await story.command(Resume)
    allowed = await story.submit(1)

    assert block_events(suspended) == [("customer", "anna", True)]
    assert told(denied, "reason", "blocks") == ("suspended", [])
    assert block_events(resumed) == [("customer", "anna", False)]
    assert allowed["decision"] == "allowed"


async def test_recorded_usage_that_overdraws_blocks_the_wallet_once(story: Story) -> None:
    await story.open(credit=10)

    first = await story.record(30, sender="s")
    second = await story.record(30, sender="s")

    assert [(block["level"], block["needed"]) for block in first["blocks"]] == [("wallet", 1)]
    assert told(second, "reason", "blocks") == ("overdrawn", [])


async def test_more_senders_than_a_wallet_can_list_block_the_wallet(story: Story) -> None:
    await story.open(credit=10)
    many = [story.event(Submission, id=f"m{n}", charge=f"m{n}", sender=f"s{n}", price=40) for n in range(257)]

    made = await story.do_all(many)

    assert [block_events(entry)[0][0] for entry in made] == ["sender"] * 256 + ["wallet"]
