"""Charges that grow or are settled bit by bit: calls, and messages to several recipients. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import HOUR, Story, told
from tests.ledger_model.inputs import BlockSender, Suspend

THREE = {"+1": 10, "+2": 20, "+3": 30}


async def test_extension_of_a_call_holds_more_and_moves_the_deadline(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(40, lasts=HOUR)
    story.wait(HOUR - 1)

    entry = await story.extend(20, lasts=HOUR)
    story.wait(HOUR - 1)
    too_early = await story.tick()
    story.wait(1)
    expired = await story.tick()

    assert told(entry, "kind", "decision", "held_change") == ("extended", "allowed", 20)
    assert told(entry, "charge.held", "charge.price") == (60, 60)
    assert too_early == []
    assert [told(effect, "kind", "reason", "held_change") for effect in expired] == [("expired", "hold", -60)]


async def test_extension_beyond_the_credit_is_denied_and_keeps_the_hold(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(40)

    entry = await story.extend(61, sender="s")

    assert told(entry, "kind", "reason", "decision", "held_change") == ("denied", "insufficient_credit", "denied", 0)
    assert [(block["level"], block["needed"]) for block in entry["blocks"]] == [("sender", 61)]


@pytest.mark.parametrize("before", ["nothing", "sent", "cancelled"])
async def test_extension_of_a_charge_that_is_not_held_is_denied(story: Story, before: str) -> None:
    await story.open(credit=100)
    if before != "nothing":
        await story.submit(40)
        await story.outcome(before)

    entry = await story.extend(1)

    assert told(entry, "kind", "reason", "decision") == ("denied", "unknown_charge", "denied")


async def test_extension_of_a_charge_of_several_recipients_is_denied(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(60, recipients=THREE)

    entry = await story.extend(1)

    assert told(entry, "kind", "reason") == ("denied", "unknown_charge")


async def test_extension_meets_suspension_wallet_and_block_in_that_order(story: Story) -> None:
    await story.open(credit=100)
    await story.command(BlockSender, sender="s")
    blocked = await story.extend(1, sender="s")
    nowhere = await story.extend(1, sender="s", wallet="other")
    await story.command(Suspend)
    suspended = await story.extend(1, sender="s", wallet="other")

    assert [blocked["reason"], nowhere["reason"], suspended["reason"]] == ["blocked", "unknown_wallet", "suspended"]


@pytest.mark.parametrize(
    ("price", "available"), [(25, 75), (40, 60), (55, 45), (0, 100)], ids=["less", "all", "more", "nothing"]
)
async def test_end_of_a_held_call_commits_the_seconds_used(story: Story, price: int, available: int) -> None:
    await story.open(credit=100)
    await story.submit(40)

    entry = await story.end_call(price)

    assert told(entry, "kind", "amount", "held_change") == ("committed", -price, -40)
    assert entry["after"] == {"available": available, "held": 0, "overdrawn": 0}


async def test_end_of_a_held_call_without_a_price_commits_all_that_is_held(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(40)

    entry = await story.end_call(None)

    assert told(entry, "kind", "amount") == ("committed", -40)


async def test_second_end_of_a_call_is_noted(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(40)
    await story.end_call(25)

    entry = await story.end_call(25)

    assert told(entry, "kind", "reason", "amount") == ("noted", "settled", 0)


@pytest.mark.parametrize("before", ["nothing", "cancelled", "expired", "denied"])
async def test_end_of_a_call_without_a_hold_is_debited_late(story: Story, before: str) -> None:
    await story.open(credit=30 if before == "denied" else 100)
    if before != "nothing":
        await story.submit(40, lasts=HOUR)
    if before == "cancelled":
        await story.outcome("cancelled")
    if before == "expired":
        story.wait(HOUR)

    entry = await story.end_call(25)

    assert told(entry, "kind", "reason", "amount", "charge.state") == ("debited", "late", -25, "committed")


async def test_end_of_an_unknown_call_without_a_price_is_noted(story: Story) -> None:
    await story.open(credit=100)

    entry = await story.end_call(None)

    assert told(entry, "kind", "reason") == ("noted", "unknown_charge")


async def test_several_recipients_are_reserved_as_one_and_committed_one_by_one(story: Story) -> None:
    await story.open(credit=100)

    reserved = await story.submit(60, recipients=THREE)
    first = await story.outcome("sent", to="+2")
    second = await story.outcome("sent", to="+1")
    last = await story.outcome("sent", to="+3")

    assert told(reserved, "held_change", "charge.recipients") == (60, THREE)
    assert told(first, "kind", "amount", "held_change", "charge.state", "charge.settled") == (
        "committed", -20, -20, "held", ["+2"],
    )  # fmt: skip
    assert told(second, "amount", "charge.state", "charge.held") == (-10, "held", 30)
    assert told(last, "amount", "charge.state", "charge.committed") == (-30, "committed", 60)


async def test_failed_recipient_is_released_and_the_others_stay_held(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(60, recipients=THREE)

    entry = await story.outcome("failed", to="+2")

    assert told(entry, "kind", "amount", "held_change", "charge.held") == ("released", 0, -20, 40)


async def test_failed_recipient_pays_the_flat_fee(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(60, recipients=THREE, fee=2)

    entry = await story.outcome("failed", to="+2")

    assert told(entry, "kind", "amount", "held_change") == ("committed", -2, -20)


@pytest.mark.parametrize("to", ["+2", "+9"], ids=["settled before", "never there"])
async def test_outcome_of_a_recipient_that_is_not_open_is_noted(story: Story, to: str) -> None:
    await story.open(credit=100)
    await story.submit(60, recipients=THREE)
    await story.outcome("sent", to="+2")

    entry = await story.outcome("sent", to=to)

    assert told(entry, "kind", "reason", "held_change") == ("noted", "settled", 0)


async def test_outcome_without_recipient_commits_all_that_are_left_whatever_its_segments_say(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(60, recipients=THREE)
    await story.outcome("sent", to="+2")

    entry = await story.outcome("sent", price=7, actual=True)

    assert told(entry, "kind", "amount", "charge.state", "charge.settled") == (
        "committed", -40, "committed", ["+1", "+3"],
    )  # fmt: skip


async def test_charge_whose_recipients_all_failed_is_settled_for_nothing(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(60, recipients=THREE)
    last, *_ = [await story.outcome("failed", to=to) for to in THREE][::-1]

    entry = await story.outcome("sent", to="+1")

    assert told(last, "kind", "charge.state", "charge.committed") == ("released", "committed", 0)
    assert told(entry, "kind", "reason", "amount") == ("noted", "settled", 0)


@pytest.mark.parametrize("how", ["expired", "cancelled", "denied"])
async def test_late_outcome_of_one_recipient_is_charged_at_that_recipients_price(story: Story, how: str) -> None:
    await story.open(credit=50 if how == "denied" else 100)
    await story.submit(60, recipients=THREE, lasts=HOUR, broadcast=True)
    if how == "expired":
        story.wait(HOUR)
        await story.tick()
    if how == "cancelled":
        await story.outcome("cancelled")

    first = await story.outcome("sent", to="+2")
    again = await story.outcome("delivered", to="+2")
    rest = await story.outcome("sent")

    assert told(first, "kind", "reason", "amount") == ("debited", "late", -20)
    assert told(again, "kind", "reason", "amount") == ("noted", "settled", 0)
    assert told(rest, "kind", "amount", "charge.state", "charge.settled") == (
        "debited", -40, "committed", ["+1", "+3"],
    )  # fmt: skip


async def test_late_charge_is_committed_with_its_last_recipient(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(60, recipients=THREE, lasts=HOUR)
    await story.outcome("sent", to="+1")
    story.wait(HOUR)

    first = await story.outcome("sent", to="+2")
    last = await story.outcome("sent", to="+3")

    assert told(first, "amount", "charge.state") == (-20, "expired")
    assert told(last, "amount", "charge.state", "charge.committed") == (-30, "committed", 60)


async def test_charge_due_on_submit_with_several_recipients_is_debited_whole(story: Story) -> None:
    await story.open(credit=100)

    entry = await story.submit(60, recipients=THREE, charge_on="submit")
    later = await story.outcome("delivered", to="+1")

    assert told(entry, "kind", "amount", "charge.recipients") == ("debited", -60, None)
    assert told(later, "kind", "reason") == ("noted", "settled")
