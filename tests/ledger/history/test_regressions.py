"""Shrunk failures that random histories found in the Lua, each kept by name. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import DAY, HOUR, SECOND, Story, told
from tests.ledger_model.inputs import Outcome, PutWallet, SetPlan, Submission, Suspend
from tests.ledger_model.spam_inputs import MarkSpam, UnmarkSpam


async def test_hold_that_expired_between_other_inputs_is_not_settled_a_second_time(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(40, lasts=HOUR)
    story.wait(HOUR)
    await story.submit(1, charge="another")

    entry = await story.end_call(40)

    assert told(entry, "kind", "reason", "held_change") == ("debited", "late", 0)
    assert entry["after"] == {"available": 59, "held": 1, "overdrawn": 0}


@pytest.mark.parametrize("moment", ["sent", "cancelled"])
async def test_suspended_submission_leaves_a_settled_charge_of_its_name_alone(story: Story, moment: str) -> None:
    await story.open(credit=100)
    await story.submit(40)
    await story.outcome(moment)
    await story.command(Suspend)
    await story.submit(40)

    entry = await story.outcome("failed")

    assert told(entry, "kind", "reason", "charge") == ("noted", "settled", None)


async def test_reservation_shows_all_recipients_even_when_they_are_settled_in_the_same_chunk(story: Story) -> None:
    await story.open(credit=100)
    recipients = {"+1": 10, "+2": 20}
    submission = story.event(Submission, price=30, deadline=story.now + DAY, recipients=recipients)
    outcome = story.event(Outcome, id="outcome", moment="sent", to="+1")

    reserved, committed = await story.do_all([submission, outcome])

    assert told(reserved, "charge.recipients", "charge.held") == (recipients, 30)
    assert told(committed, "charge.settled", "charge.held") == (["+1"], 20)


async def test_charge_held_again_after_its_denial_expires_at_its_new_deadline(story: Story) -> None:
    await story.open(credit=10)
    await story.submit(40, lasts=SECOND)
    await story.top_up(100)
    await story.submit(40, lasts=HOUR)
    story.wait(SECOND)
    too_early = await story.tick()
    story.wait(HOUR - SECOND)

    (entry,) = await story.tick()

    assert too_early == []
    assert told(entry, "kind", "reason", "held_change") == ("expired", "hold", -40)


async def test_lot_held_past_its_expiry_lapses_in_the_order_of_its_expiry(story: Story) -> None:
    await story.open(credit=0)
    await story.top_up(5, expires_at=story.now + HOUR)
    await story.submit(5)
    await story.top_up(7, expires_at=story.now + 2 * HOUR)
    story.wait(HOUR)
    await story.tick()
    story.wait(HOUR - 1)
    await story.outcome("cancelled")
    story.wait(1)

    effects = await story.tick()

    assert [effect["amount"] for effect in effects] == [-5, -7]


async def test_recipient_that_uses_up_one_lot_leaves_the_other_lots_part_alone(story: Story) -> None:
    await story.open(credit=0)
    await story.top_up(3, lot_kind="nro")
    fro = await story.top_up(3)
    await story.submit(6, recipients={"+1": 3, "+2": 3})

    entry = await story.outcome("sent", to="+1")

    assert entry["charge"]["parts"] == [(fro["id"], 3)]


async def test_two_changes_of_plan_at_one_moment_grant_twice_at_that_moment(story: Story) -> None:
    await story.open("plain", credit=0)
    await story.command(SetPlan, plan="monthly")
    first = await story.tick()
    await story.command(SetPlan, plan="replace")
    second = await story.tick()

    granted = [effect for effect in (*first, *second) if effect["kind"] == "granted"]
    assert [(effect["amount"], effect["due_at"]) for effect in granted] == [(100, story.now), (300, story.now)]


async def test_credit_given_back_to_a_wallet_that_owes_more_is_told_as_its_leg(story: Story) -> None:
    await story.open(credit=0)
    await story.command(PutWallet, wallet="other")
    await story.top_up(1, wallet="other")
    await story.command(MarkSpam)
    await story.record(36, wallet="other")

    returned = await story.command(UnmarkSpam)
    later = await story.top_up(35, wallet="other")

    (leg,) = returned["legs"]
    assert told(leg, "wallet", "amount", "after.overdrawn") == ("other", 1, 35)
    assert told(later, "before.overdrawn", "after.available") == (35, 0)


async def test_charge_that_was_unknown_earlier_in_the_call_is_known_when_it_is_submitted(story: Story) -> None:
    """An outcome looked for it in vain; the hold that the plain path kept then was not found by the next."""
    await story.open(credit=100)

    told = [
        story.event(Outcome, id="early", moment="sent"),
        story.event(Submission, id="text", price=40, charge_on="delivered", fee=10, deadline=story.now + DAY),
        story.event(Outcome, id="failed", moment="failed"),
    ]
    early, held, failed = await story.do_all(told)

    assert (early["kind"], early["reason"]) == ("noted", "unknown_charge")
    assert (held["kind"], held["held_change"]) == ("reserved", 40)
    assert (failed["kind"], failed["amount"], failed["held_change"]) == ("committed", -10, -40)
