"""Outcomes beside the table of `test_every_event`: prices, fees, segments, what comes first. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import HOUR, Story, told
from tests.ledger_model.inputs import Suspend


async def bring_charge_to(story: Story, state: str, charge_on: str, *, fee: int = 0) -> None:
    """Have a charge `x` of 40 in that state, in a wallet with 100."""
    await story.open(credit=100)
    if state == "denied":
        await story.record(80)
    if state != "none":
        await story.submit(40, charge_on=charge_on, lasts=HOUR, fee=fee)
    if state == "committed":
        await story.outcome("delivered")
    if state == "released":
        await story.outcome("cancelled")
    if state == "expired":
        story.wait(HOUR)
        await story.tick()
    if state == "denied":
        await story.top_up(80)


@pytest.mark.parametrize("state", ["held", "released", "expired", "denied", "none"])
async def test_outcome_told_twice_under_two_ids_is_charged_once(story: Story, state: str) -> None:
    await bring_charge_to(story, state, "sent")
    await story.outcome("sent", price=40)

    again = await story.outcome("delivered", price=40)

    assert told(again, "kind", "reason", "amount") == ("noted", "settled", 0)


async def test_sent_of_an_unknown_charge_with_a_price_is_debited_late(story: Story) -> None:
    await story.open(credit=100)

    entry = await story.outcome("sent", price=25)

    assert told(entry, "kind", "reason", "amount") == ("debited", "late", -25)
    assert told(entry, "charge.state", "charge.price", "charge.committed") == ("committed", 25, 25)


async def test_sent_of_an_unknown_charge_that_is_due_when_delivered_is_noted(story: Story) -> None:
    await story.open(credit=100)

    entry = await story.outcome("sent", price=25, charge_on="delivered")

    assert told(entry, "kind", "reason", "amount") == ("noted", "unknown_charge", 0)


async def test_submission_after_its_failure_is_settled_and_holds_nothing(story: Story) -> None:
    await story.open(credit=100)
    await story.outcome("failed")

    entry = await story.submit(40)

    assert told(entry, "kind", "reason", "decision", "held_change") == ("noted", "settled", "allowed", 0)


async def test_sent_after_a_failure_that_came_first_is_charged_at_its_own_price(story: Story) -> None:
    await story.open(credit=100)
    await story.outcome("failed")

    entry = await story.outcome("sent", price=25)

    assert told(entry, "kind", "reason", "amount") == ("debited", "late", -25)


async def test_sent_without_price_after_a_failure_that_came_first_is_noted(story: Story) -> None:
    await story.open(credit=100)
    await story.outcome("failed")

    entry = await story.outcome("sent", price=None)

    assert told(entry, "kind", "reason") == ("noted", "unknown_charge")


async def test_late_outcome_is_charged_at_the_agreed_price_not_its_own(story: Story) -> None:
    await bring_charge_to(story, "released", "sent")

    entry = await story.outcome("sent", price=25, actual=True)

    assert entry["amount"] == -40


async def test_late_outcome_without_credit_overdraws(story: Story) -> None:
    await bring_charge_to(story, "released", "sent")
    await story.record(100)

    entry = await story.outcome("sent")

    assert entry["after"] == {"available": -40, "held": 0, "overdrawn": 40}


async def test_more_segments_than_reserved_are_debited_beyond_the_hold(story: Story) -> None:
    await bring_charge_to(story, "held", "sent")

    entry = await story.outcome("sent", price=55, actual=True)

    assert told(entry, "kind", "amount", "held_change") == ("committed", -55, -40)
    assert entry["after"] == {"available": 45, "held": 0, "overdrawn": 0}


async def test_fewer_segments_than_reserved_release_the_rest(story: Story) -> None:
    await bring_charge_to(story, "held", "sent")

    entry = await story.outcome("sent", price=15, actual=True)

    assert told(entry, "kind", "amount", "held_change", "charge.committed") == ("committed", -15, -40, 15)


async def test_price_of_an_outcome_that_tells_no_segments_is_ignored(story: Story) -> None:
    await bring_charge_to(story, "held", "sent")

    entry = await story.outcome("sent", price=15, actual=False)

    assert entry["amount"] == -40


@pytest.mark.requirement("INF-04")
async def test_failed_message_with_a_flat_fee_keeps_the_fee(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(40, fee=3)

    entry = await story.outcome("failed")

    assert told(entry, "kind", "amount", "held_change", "charge.state") == ("committed", -3, -40, "committed")


@pytest.mark.parametrize("moment", ["cancelled", "expired"])
async def test_message_that_never_left_costs_no_flat_fee(story: Story, moment: str) -> None:
    await story.open(credit=100)
    await story.submit(40, fee=3)

    entry = await story.outcome(moment)

    assert told(entry, "kind", "amount", "charge.state") == ("released", 0, "released")


async def test_outcome_of_an_unknown_customer_is_denied(story: Story) -> None:
    entry = await story.outcome("sent", price=25)

    assert told(entry, "kind", "reason", "decision") == ("denied", "unknown_customer", None)


async def test_outcome_in_an_unknown_wallet_is_noted(story: Story) -> None:
    await story.open()

    entry = await story.outcome("sent", price=25, wallet="other")

    assert told(entry, "kind", "reason", "wallet") == ("noted", "unknown_wallet", None)


async def test_outcomes_pass_suspension_and_blocks(story: Story) -> None:
    await bring_charge_to(story, "held", "sent")
    await story.command(Suspend)

    entry = await story.outcome("sent")

    assert entry["kind"] == "committed"
