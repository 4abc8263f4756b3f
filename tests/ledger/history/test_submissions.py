"""Submissions, received and recorded usage: the order of the checks, what is held and debited. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import Story, told
from tests.ledger_model.inputs import BlockSender, OpenCustomer, Suspend


@pytest.mark.requirement("INF-02")
async def test_submission_holds_its_price_until_the_outcome(story: Story) -> None:
    await story.open(credit=100)

    entry = await story.submit(40)

    assert told(entry, "kind", "reason", "decision", "amount", "held_change") == ("reserved", None, "allowed", 0, 40)
    assert entry["before"] == {"available": 100, "held": 0, "overdrawn": 0}
    assert entry["after"] == {"available": 60, "held": 40, "overdrawn": 0}
    assert entry["charge"]["state"] == "held"


async def test_submission_due_on_submit_is_debited_at_once(story: Story) -> None:
    await story.open(credit=100)

    entry = await story.submit(40, charge_on="submit")

    assert told(entry, "kind", "decision", "amount", "held_change") == ("debited", "allowed", -40, 0)
    assert told(entry, "charge.state", "charge.committed") == ("committed", 40)


async def test_submission_due_on_submit_without_a_charge_id_is_not_remembered(story: Story) -> None:
    await story.open(credit=100)

    entry = await story.submit(40, charge_on="submit", charge=None)

    assert told(entry, "kind", "amount", "charge") == ("debited", -40, None)


async def test_submission_without_a_charge_id_is_known_by_its_own_id(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(40, charge=None, id="own")

    entry = await story.outcome("sent", charge="own")

    assert told(entry, "kind", "amount") == ("committed", -40)


@pytest.mark.parametrize(("price", "decision"), [(99, "allowed"), (100, "allowed"), (101, "denied")])
@pytest.mark.parametrize("charge_on", ["submit", "sent"])
async def test_price_is_allowed_up_to_exactly_what_is_available(
    story: Story, price: int, decision: str, charge_on: str
) -> None:
    await story.open(credit=100)

    entry = await story.submit(price, charge_on=charge_on)

    assert entry["decision"] == decision


@pytest.mark.parametrize(("price", "decision"), [(130, "allowed"), (131, "denied")])
async def test_price_is_allowed_up_to_exactly_the_overdraft_limit(story: Story, price: int, decision: str) -> None:
    await story.open("overdraft", credit=100)

    entry = await story.submit(price, charge_on="submit")

    assert entry["decision"] == decision


@pytest.mark.parametrize(("charge_on", "kind"), [("submit", "debited"), ("sent", "reserved")])
async def test_price_of_zero_is_allowed_without_any_credit(story: Story, charge_on: str, kind: str) -> None:
    await story.open(credit=0)

    entry = await story.submit(0, charge_on=charge_on)

    assert told(entry, "kind", "decision", "amount", "wallet_seq") == (kind, "allowed", 0, None)


async def test_negative_balance_denies_even_a_price_of_zero(story: Story) -> None:
    await story.open(credit=10)
    await story.adjust(-11)

    entry = await story.submit(0)

    assert told(entry, "decision", "reason") == ("denied", "insufficient_credit")


async def test_submission_of_an_unknown_customer_is_denied_before_all_else(story: Story) -> None:
    entry = await story.refuse("unrated")

    assert told(entry, "kind", "reason", "decision") == ("denied", "unknown_customer", "denied")


@pytest.mark.parametrize("reason", ["unrated", "rejected_destination", "invalid_number", "too_many", "unpriced"])
async def test_submission_without_a_price_is_denied_with_the_ratings_reason(story: Story, reason: str) -> None:
    await story.open()
    await story.command(Suspend)

    entry = await story.refuse(reason)

    assert told(entry, "kind", "reason", "decision", "amount") == ("denied", reason, "denied", 0)


async def test_event_without_a_price_that_asks_nothing_gets_no_decision(story: Story) -> None:
    await story.open()

    entry = await story.refuse("unrated", asked=False)

    assert told(entry, "kind", "decision") == ("denied", None)


async def test_suspension_is_checked_before_the_wallet(story: Story) -> None:
    await story.open()
    await story.command(Suspend)

    entry = await story.submit(1, wallet="other")

    assert told(entry, "kind", "reason", "decision") == ("denied", "suspended", "denied")


async def test_submission_in_an_unknown_wallet_is_denied(story: Story) -> None:
    await story.open()

    entry = await story.submit(1, wallet="other")

    assert told(entry, "kind", "reason", "decision", "wallet") == ("denied", "unknown_wallet", "denied", None)


async def test_second_submission_of_a_held_charge_is_denied(story: Story) -> None:
    await story.open()
    await story.submit(40)

    entry = await story.submit(40)

    assert told(entry, "reason", "decision", "held_change") == ("charge_exists", "denied", 0)


async def test_charge_is_checked_before_the_block(story: Story) -> None:
    await story.open()
    await story.submit(40, sender="s")
    await story.command(BlockSender, sender="s")

    entry = await story.submit(40, sender="s")

    assert entry["reason"] == "charge_exists"


async def test_submission_of_a_denied_charge_goes_on_as_if_new(story: Story) -> None:
    await story.open(credit=10)
    await story.submit(40)
    await story.top_up(40)

    entry = await story.submit(40)

    assert told(entry, "kind", "decision") == ("reserved", "allowed")


@pytest.mark.parametrize("moment", ["sent", "cancelled"])
async def test_submission_of_a_settled_charge_is_noted_and_allowed(story: Story, moment: str) -> None:
    await story.open()
    await story.submit(40)
    await story.outcome(moment)

    entry = await story.submit(40)

    assert told(entry, "kind", "reason", "decision", "amount") == ("noted", "settled", "allowed", 0)


async def test_denied_submission_is_remembered_with_its_price(story: Story) -> None:
    await story.open(credit=10)

    entry = await story.submit(40)

    assert told(entry, "charge.state", "charge.price", "charge.held") == ("denied", 40, 0)


async def test_received_message_is_debited_at_once_and_gets_no_decision(story: Story) -> None:
    await story.open()

    entry = await story.receive(3)

    assert told(entry, "kind", "decision", "amount", "charge") == ("debited", None, -3, None)


async def test_received_message_passes_a_blocked_sender(story: Story) -> None:
    await story.open()
    await story.command(BlockSender, sender="s")

    entry = await story.receive(3, sender="s")

    assert told(entry, "kind", "amount") == ("debited", -3)


async def test_received_message_of_a_suspended_customer_is_denied(story: Story) -> None:
    await story.open()
    await story.command(Suspend)

    entry = await story.receive(3)

    assert told(entry, "kind", "reason", "decision") == ("denied", "suspended", None)


@pytest.mark.requirement("BM-16")
async def test_recorded_usage_is_charged_below_zero_and_flagged(story: Story) -> None:
    await story.open(credit=10)

    entry = await story.record(30)

    assert told(entry, "kind", "reason", "decision", "amount") == ("debited", "overdrawn", None, -30)
    assert entry["after"] == {"available": -20, "held": 0, "overdrawn": 20}


@pytest.mark.parametrize(("price", "reason"), [(40, None), (41, "overdrawn")])
async def test_recorded_usage_within_the_overdraft_limit_is_not_flagged(
    story: Story, price: int, reason: str | None
) -> None:
    await story.open("overdraft", credit=10)

    entry = await story.record(price)

    assert entry["reason"] == reason


async def test_recorded_usage_passes_suspension_and_blocks(story: Story) -> None:
    await story.open()
    await story.command(Suspend)
    await story.command(BlockSender, sender="s")

    entry = await story.record(30, sender="s")

    assert told(entry, "kind", "amount") == ("debited", -30)


async def test_recorded_usage_in_an_unknown_wallet_is_denied(story: Story) -> None:
    await story.open()

    entry = await story.record(30, wallet="other")

    assert told(entry, "kind", "reason", "decision") == ("denied", "unknown_wallet", None)


async def test_dearer_correction_of_a_charge_is_debited(story: Story) -> None:
    await story.open()
    await story.submit(40, charge_on="submit")

    entry = await story.adjust_charge(5)

    assert told(entry, "kind", "reason", "amount") == ("adjusted", None, -5)


async def test_cheaper_correction_of_a_charge_is_a_new_lot(story: Story) -> None:
    await story.open()
    await story.submit(40, charge_on="submit")

    entry = await story.adjust_charge(-5)

    assert told(entry, "kind", "reason", "amount") == ("adjusted", None, 5)
    assert [(lot["kind"], lot["expires_at"], lot["remaining"]) for lot in entry["lots"].values()] == [("fro", None, 5)]


async def test_correction_of_an_unknown_charge_is_made_all_the_same(story: Story) -> None:
    await story.open()

    entry = await story.adjust_charge(5)

    assert told(entry, "kind", "reason", "amount") == ("adjusted", "unknown_charge", -5)


async def test_two_customers_charges_of_one_name_are_two(story: Story) -> None:
    await story.open()
    await story.command(OpenCustomer, customer="bob", plan="plain")
    await story.submit(40)

    entry = await story.submit(0, customer="bob")

    assert told(entry, "kind", "customer") == ("reserved", "bob")


async def test_suspended_submission_leaves_the_held_charge_of_its_name_alone(story: Story) -> None:
    await story.open()
    await story.submit(40)
    await story.command(Suspend)
    denied = await story.submit(40)

    entry = await story.outcome("sent")

    assert told(denied, "reason", "charge") == ("suspended", None)
    assert told(entry, "kind", "amount", "held_change") == ("committed", -40, -40)
