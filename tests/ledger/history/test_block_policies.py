"""What a plan decides about blocks: from which level, over which features, and what comes in when nothing is left.

On both buckets.
"""

from __future__ import annotations

import pytest

from tests.ledger.history.story import HOUR, Story, alerts, block_events, rule_told, told


@pytest.mark.requirement("BM-15")
async def test_at_60_the_first_preset_sends_and_has_an_alert(story: Story) -> None:
    await story.open("alert", credit=101)

    fallen = await story.record(41)
    sent = await story.submit(1)

    assert alerts(fallen) == ["credit.low"]
    assert fallen["blocks"] == []
    assert told(sent, "kind", "decision") == ("reserved", "allowed")


@pytest.mark.requirement("BM-15")
@pytest.mark.requirement("BM-18")
async def test_at_60_the_second_preset_is_locked_with_the_fall_and_unlocked_by_a_recharge_to_its_level(
    story: Story,
) -> None:
    await story.open("level", credit=101)
    at_level = await story.record(1)
    below = await story.record(40)
    locked = await story.submit(1)
    emptied = await story.record(60)
    too_little = await story.top_up(99)
    await story.adjust(-99)

    unlocked = await story.top_up(100)
    sent = await story.submit(1)

    assert (alerts(at_level), block_events(at_level)) == (["credit.low"], [])
    assert (alerts(below), block_events(below)) == ([], [("wallet", "main", True)])
    assert [(block["reason"], block["needed"]) for block in below["blocks"]] == [("below_level", 100)]
    assert told(locked, "kind", "reason") == ("denied", "blocked")
    assert block_events(emptied) == block_events(too_little) == []
    assert block_events(unlocked) == [("wallet", "main", False)]
    assert sent["decision"] == "allowed"


async def test_wallet_that_locks_is_blocked_from_its_opening_until_its_first_recharge(story: Story) -> None:
    opened = await story.open("level", credit=0)
    recharged = await story.top_up(100)

    assert block_events(opened) == [("wallet", "main", True)]
    assert block_events(recharged) == [("wallet", "main", False)]


async def test_lock_and_want_of_credit_are_one_block_with_one_event_each_way(story: Story) -> None:
    await story.open("level", credit=100)

    fallen = await story.record(130)
    covered = await story.top_up(31)
    unlocked = await story.top_up(99)

    assert block_events(fallen) == [("wallet", "main", True)]
    assert [block["causes"] for block in fallen["blocks"]] == [
        ["insufficient_credit"],
        ["insufficient_credit", "below_level"],
    ]
    assert fallen["blocks"][-1]["needed"] == 100
    assert covered["blocks"] == []
    assert block_events(unlocked) == [("wallet", "main", False)]


async def test_expiry_of_a_lot_locks_and_the_release_of_a_hold_unlocks(story: Story) -> None:
    await story.open("level", credit=95)
    await story.top_up(50, expires_at=story.now + HOUR)
    await story.submit(20)
    story.wait(HOUR)
    lapsed = await story.tick()

    released = await story.outcome("failed")
    story.wait(1)
    again = await story.tick()

    assert [block_events(entry) for entry in lapsed] == [[("wallet", "main", True)]]
    assert block_events(released) == [("wallet", "main", False)]
    assert [block_events(entry) for entry in again] == [[("wallet", "main", True)]]


@pytest.mark.requirement("PL-37")
@pytest.mark.parametrize("plan", ["plain", "negative", "refuse"])
async def test_with_outbound_only_an_empty_wallet_takes_what_comes_in_and_denies_what_goes_out(
    story: Story, plan: str
) -> None:
    await story.open(plan, credit=0)
    blocked = await story.submit(1, sender="s")

    going_out = [await story.submit(1, sender="s", charge=f"m{n}", broadcast=n == 3) for n in range(4)]
    coming_in = [await story.receive(0, sender="s"), await story.receive(0)]

    assert block_events(blocked) == [("wallet", "main", True)]
    assert {(entry["decision"], entry["reason"]) for entry in going_out} == {("denied", "blocked")}
    assert [entry["kind"] for entry in coming_in] == ["debited", "debited"]


@pytest.mark.requirement("BM-14")
async def test_with_all_features_a_blocked_wallet_is_denied_what_costs_credit_and_recharges(story: Story) -> None:
    await story.open("locked", credit=5)
    open_still = await story.receive(1)
    await story.record(9)

    received = await story.receive(1)
    for_nothing = await story.receive(0)
    reply = await story.submit(1)
    recharged = await story.top_up(100)
    after = await story.receive(1)

    assert told(open_still, "kind", "reason") == ("debited", None)
    assert told(received, "kind", "reason", "decision", "amount") == ("denied", "account_locked", None, 0)
    assert told(for_nothing, "kind", "reason") == ("debited", None)
    assert told(reply, "kind", "reason") == ("denied", "blocked")
    assert recharged["kind"] == "topped_up"
    assert told(after, "kind", "amount") == ("debited", -1)


CELLS = {
    ("plain", False): ("noted", "insufficient_credit", 0, 2),
    ("plain", True): ("denied", "insufficient_credit", 0, 2),
    ("negative", False): ("debited", "overdrawn", -3, -1),
    ("negative", True): ("debited", "overdrawn", -3, -1),
    ("refuse", False): ("denied", "insufficient_credit", 0, 2),
    ("refuse", True): ("denied", "insufficient_credit", 0, 2),
}


@pytest.mark.requirement("PL-38")
@pytest.mark.parametrize(("plan", "feature"), CELLS)
async def test_call_that_comes_in_and_is_not_covered_follows_the_plan(
    story: Story, plan: str, *, feature: bool
) -> None:
    await story.open(plan, credit=2)

    entry = await story.receive(3, feature=feature)

    assert (*told(entry, "kind", "reason", "amount"), entry["after"]["available"]) == CELLS[plan, feature]
    assert (entry["decision"], entry["blocks"]) == (None, [])


@pytest.mark.requirement("PL-35")
async def test_running_out_leads_to_denials_and_to_nothing_else(story: Story) -> None:
    await story.open(credit=3)
    sent = [await story.submit(1, charge_on="submit", charge=None) for _ in range(3)]

    beyond = [await story.submit(1, charge_on="submit", charge=None) for _ in range(3)]

    assert [entry["amount"] for entry in sent] == [-1, -1, -1]
    assert {told(entry, "kind", "amount", "held_change") for entry in beyond} == {("denied", 0, 0)}
    assert story.figures == {"available": 0, "held": 0, "overdrawn": 0}


@pytest.mark.requirement("PL-58")
async def test_flagged_wallet_is_unblocked_when_what_is_spendable_is_above_zero_again(story: Story) -> None:
    await story.open("flag and overdraft", credit=3)
    for number in range(5):
        await story.submit(1, charge=f"m{number}", charge_on="submit", scheduled=True)
    flagged = await story.submit(1, charge_on="submit", scheduled=True)

    still = await story.top_up(1)
    at_zero = await story.top_up(1)
    await story.adjust(-2)
    lifted = await story.top_up(5)

    assert flagged["after"]["available"] == -2
    assert block_events(flagged) == [("wallet", "main", True)]
    assert (still["after"]["available"], block_events(still)) == (-1, [])
    assert (at_zero["after"]["available"], block_events(at_zero)) == (0, [])
    assert (lifted["after"]["available"], block_events(lifted)) == (3, [("wallet", "main", False)])


@pytest.mark.requirement("BM-06")
async def test_rule_that_the_plan_fixes_is_not_changed_by_a_command_and_others_are(story: Story) -> None:
    opened = await story.open("level", credit=100)

    refused = await story.set_alert(5)
    own = await story.set_alert(5, rule="own")

    assert opened["rules"] == [rule_told("default", "quiet", 100, locks=True, fixed=True, of_plan=True)]
    assert told(refused, "kind", "reason", "rules") == ("refused", "rule_fixed", [])
    assert own["rules"] == [rule_told("own", "armed", 5)]
