"""Low credit: one alert a fall, one when it is armed again, and what a change of a rule does. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import HOUR, Story, alerts, told


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

    assert entry["alerts"] == [{"type": "credit.low", "rule": "default", "level": 100}]
    assert entry["rules"] == [{"rule": "default", "state": "low", "level": 100, "rearm": 101, "enabled": True}]


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

    assert [alert["rule"] for alert in entry["alerts"]] == ["z", "a"]


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

    assert alerts(entry) == ["credit.low"]
    assert [block["level"] for block in entry["blocks"]] == ["wallet"]


async def test_level_below_zero_is_told_for_an_overdraft(story: Story) -> None:
    await story.open("overdraft", credit=10)
    await story.set_alert(-10)

    assert [await debit(story, 19), await debit(story, 1)] == [[], ["credit.low"]]
