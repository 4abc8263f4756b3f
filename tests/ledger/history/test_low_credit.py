"""Low credit: one alert a fall, one when it is armed again, and what a change of a rule does. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import HOUR, Story, alerts, rule_told, told


async def debit(story: Story, amount: int) -> list[str]:
    """Charge that much at once; return the alerts."""
    return alerts(await story.submit(amount, charge_on="submit", charge=None))


@pytest.mark.requirement("PG-06")
async def test_low_credit_is_told_at_exactly_the_level_once_and_again_after_a_recovery(story: Story) -> None:
    await story.open("alert", credit=102)

    at_101 = await debit(story, 1)
    at_100 = await debit(story, 1)
    at_99 = await debit(story, 1)
    at_150 = await story.top_up(51)
    again = await debit(story, 50)

    assert [at_101, at_100, at_99] == [[], ["credit.low"], []]
    assert alerts(at_150) == ["credit.recovered"]
    assert again == ["credit.low"]


@pytest.mark.requirement("PG-06")
@pytest.mark.requirement("ES-07")
async def test_debit_that_jumps_over_the_level_tells_once(story: Story) -> None:
    await story.open("alert", credit=103)

    entry = await story.submit(5, charge_on="submit")

    assert entry["alerts"] == [{"type": "credit.low", "rule": "default", "level": 100, "user": ""}]
    assert entry["rules"] == [rule_told("default", "low", 100, of_plan=True)]


@pytest.mark.requirement("BM-06")
@pytest.mark.parametrize(("credit", "expected"), [(100_500_000, ["credit.low"]), (101_000_000, [])])
async def test_fixed_level_is_told_when_a_debit_crosses_it(story: Story, credit: int, expected: list[str]) -> None:
    await story.open(credit=credit)
    await story.set_alert(100_000_000)

    assert await debit(story, 700_000) == expected


@pytest.mark.requirement("PG-05")
@pytest.mark.requirement("ES-06")
async def test_disabled_rule_tells_nothing_and_an_enabled_one_does(story: Story) -> None:
    await story.open(credit=200)
    await story.set_alert(100, enabled=False)
    off = [*await debit(story, 100), *alerts(await story.top_up(100))]

    await story.set_alert(100, enabled=True)
    on = await debit(story, 100)

    assert (off, on) == ([], ["credit.low"])


@pytest.mark.requirement("PL-34")
async def test_two_rules_of_one_wallet_tell_each_at_its_own_level(story: Story) -> None:
    await story.open(credit=300)
    await story.set_alert(50, rule="one")
    await story.set_alert(200, rule="two")

    first = await story.submit(100, charge_on="submit", charge=None)
    second = await story.submit(150, charge_on="submit", charge=None)

    assert [alert["rule"] for alert in first["alerts"]] == ["two"]
    assert [alert["rule"] for alert in second["alerts"]] == ["one"]


async def test_rules_that_a_debit_crosses_together_tell_in_order_of_creation(story: Story) -> None:
    await story.open(credit=300)
    await story.set_alert(50, rule="z")
    await story.set_alert(200, rule="a")

    entry = await story.submit(300, charge_on="submit")

    assert [alert["rule"] for alert in entry["alerts"]] == ["z", "a", ""]


async def test_hold_counts_as_a_fall_and_its_release_as_a_rise(story: Story) -> None:
    await story.open("alert", credit=120)

    reserved = await story.submit(20)
    committed = await story.outcome("sent")
    held_again = await story.submit(10, charge="y")
    await story.top_up(50)
    released = await story.outcome("cancelled", charge="y")

    assert [alerts(reserved), alerts(committed), alerts(held_again)] == [["credit.low"], [], []]
    assert alerts(released) == []


async def test_lapse_of_a_lot_tells_low_credit(story: Story) -> None:
    await story.open("alert", credit=50)
    await story.top_up(100, expires_at=story.now + HOUR)
    story.wait(HOUR)

    (entry,) = await story.tick()

    assert alerts(entry) == ["credit.low"]


@pytest.mark.parametrize(("rearm", "top_up", "expected"), [(None, 1, True), (150, 49, False), (150, 50, True)])
async def test_rule_is_armed_again_at_its_rearm_level(
    story: Story, rearm: int | None, top_up: int, *, expected: bool
) -> None:
    await story.open(credit=200)
    await story.set_alert(100, rearm=rearm)
    await debit(story, 100)

    entry = await story.top_up(top_up)

    assert (alerts(entry) == ["credit.recovered"]) is expected


@pytest.mark.parametrize(("level", "state"), [(99, "armed"), (100, "quiet"), (101, "quiet")])
async def test_new_rule_is_quiet_where_credit_is_at_or_under_its_level(story: Story, level: int, state: str) -> None:
    await story.open(credit=100)

    entry = await story.set_alert(level)

    assert told(entry, "kind", "alerts") == ("settings_changed", [])
    assert [rule["state"] for rule in entry["rules"]] == [state]


async def test_quiet_rule_is_armed_without_an_alert(story: Story) -> None:
    await story.open(credit=100)
    await story.set_alert(100)

    armed = await story.top_up(1)
    low = await debit(story, 1)

    assert told(armed, "alerts") == ([],)
    assert [rule["state"] for rule in armed["rules"]] == ["armed"]
    assert low == ["credit.low"]


@pytest.mark.requirement("ES-09")
@pytest.mark.parametrize(("rearm", "state"), [(151, "low"), (150, "armed"), (120, "armed")])
async def test_low_rule_stays_low_only_under_its_new_rearm_level(story: Story, rearm: int, state: str) -> None:
    await story.open(credit=200)
    await story.set_alert(160)
    await debit(story, 50)

    entry = await story.set_alert(110, rearm=rearm)

    assert told(entry, "alerts") == ([],)
    assert [rule["state"] for rule in entry["rules"]] == [state]


async def test_low_rule_that_is_disabled_is_quiet(story: Story) -> None:
    await story.open(credit=200)
    await story.set_alert(160)
    await debit(story, 50)

    entry = await story.set_alert(160, enabled=False)

    assert [rule["state"] for rule in entry["rules"]] == ["quiet"]


@pytest.mark.requirement("BM-18")
async def test_low_credit_is_told_before_the_block_of_the_same_fall(story: Story) -> None:
    await story.open("alert", credit=150)

    entry = await story.record(160)

    assert alerts(entry) == ["credit.low", "credit.exhausted"]
    assert [block["level"] for block in entry["blocks"]] == ["wallet"]


async def test_level_below_zero_is_told_for_an_overdraft(story: Story) -> None:
    await story.open("overdraft", credit=10)
    await story.set_alert(-10)

    assert [await debit(story, 19), await debit(story, 1)] == [["credit.exhausted"], ["credit.low"]]


@pytest.mark.requirement("PL-32")
@pytest.mark.requirement("BM-18")
async def test_falling_balance_tells_low_while_credit_is_left_then_exhausted_then_the_block(story: Story) -> None:
    await story.open("alert", credit=120)

    steps = [await story.submit(40, charge=f"m{n}", charge_on="submit", sender="s") for n in range(4)]
    told_in_order = [*alerts(steps[0]), *alerts(steps[1]), *alerts(steps[2]), *alerts(steps[3])]

    assert told_in_order == ["credit.low", "credit.exhausted"]
    assert steps[0]["after"]["available"] == 80
    assert [block["level"] for block in steps[3]["blocks"]] == ["wallet"]
    assert [entry["blocks"] for entry in steps[:3]] == [[], [], []]


async def test_exhausted_is_told_without_a_rule_once_a_fall_and_again_after_a_rise(story: Story) -> None:
    await story.open(credit=10)

    told_of = [
        await debit(story, 9),
        await debit(story, 1),
        alerts(await story.record(5)),
        alerts(await story.top_up(5)),
        alerts(await story.top_up(1)),
        alerts(await story.record(2)),
    ]

    assert told_of == [[], ["credit.exhausted"], [], [], [], ["credit.exhausted"]]


@pytest.mark.requirement("PL-34")
async def test_two_users_with_thresholds_of_their_own_on_one_pool_are_told_at_theirs(story: Story) -> None:
    await story.open(credit=300)
    await story.set_alert(50, rule="user:ann", user="ann")
    await story.set_alert(200, rule="user:ben", user="ben")

    at_200 = await story.record(100)
    at_50 = await story.record(150)

    assert [(alert["user"], alert["level"]) for alert in at_200["alerts"]] == [("ben", 200)]
    assert [(alert["user"], alert["level"]) for alert in at_50["alerts"]] == [("ann", 50)]


async def test_level_in_percent_is_found_anew_with_each_top_up(story: Story) -> None:
    await story.open(credit=1000)
    made = await story.set_alert(0, rule="tenth", percent=10)
    low = await story.record(900)
    more = await story.top_up(255)
    again = await story.record(330)

    assert made["rules"] == [rule_told("tenth", "armed", 100, percent=10)]
    assert alerts(low) == ["credit.low"]
    assert alerts(more) == ["credit.recovered"]
    assert more["rules"] == [rule_told("tenth", "armed", 25, percent=10)]
    assert [alert["level"] for alert in again["alerts"]] == [25]


async def test_level_in_percent_is_0_before_the_first_top_up_and_quiet_while_less_is_there(story: Story) -> None:
    await story.open(credit=0)
    made = await story.set_alert(0, rule="tenth", percent=10)
    await story.record(95)

    short = await story.top_up(100)

    assert made["rules"] == [rule_told("tenth", "quiet", 0, percent=10)]
    assert short["rules"] == [rule_told("tenth", "quiet", 10, percent=10)]
    assert alerts(short) == []


async def test_hold_that_expires_is_told(story: Story) -> None:
    await story.open("alert", credit=120)
    await story.submit(30, lasts=HOUR)
    story.wait(HOUR)

    (expired,) = await story.tick()

    assert alerts(expired) == ["hold.expired", "credit.recovered"]


@pytest.mark.requirement("ES-06")
async def test_rule_that_the_plan_gives_switched_off_is_there_to_be_switched_on(story: Story) -> None:
    opened = await story.open("off", credit=300)
    off = await debit(story, 200)
    await story.top_up(200)

    await story.set_alert(100)
    on = await debit(story, 200)

    assert opened["rules"] == [rule_told("default", "quiet", 100, enabled=False, of_plan=True)]
    assert (off, on) == ([], ["credit.low"])
