"""Alert rules when the plan changes: the plan's go, the customer's own stay. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import Story, alerts, rule_told
from tests.ledger_model.inputs import PutWallet, SetPlan


@pytest.mark.requirement("PG-06")
async def test_rule_of_the_plan_is_replaced_by_the_new_plans_in_every_wallet(story: Story) -> None:
    await story.open("alert", credit=500)
    await story.command(PutWallet, wallet="other")

    changed = await story.command(SetPlan, plan="alert at 300")

    rule = rule_told("default", "armed", 300, of_plan=True)
    assert changed["rules"] == [rule, rule | {"state": "quiet", "leg": "other"}]
    assert alerts(await story.submit(200, charge_on="submit")) == ["credit.low"]


@pytest.mark.requirement("PL-34")
async def test_rules_that_the_customer_has_set_stay_whatever_they_are_called(story: Story) -> None:
    await story.open("alert", credit=500)
    await story.set_alert(50)
    await story.set_alert(70, rule="mine")

    changed = await story.command(SetPlan, plan="alert at 300")

    assert changed["rules"] == []
    assert alerts(await story.submit(440, charge_on="submit")) == ["credit.low"]
    assert alerts(await story.submit(10, charge_on="submit", charge="y")) == ["credit.low"]


@pytest.mark.requirement("BM-06")
async def test_rule_that_the_new_plan_fixes_takes_the_place_of_the_customers_own(story: Story) -> None:
    await story.open("alert", credit=500)
    await story.set_alert(50)

    changed = await story.command(SetPlan, plan="level")

    assert changed["rules"] == [rule_told("default", "armed", 100, locks=True, fixed=True, of_plan=True)]


async def test_rule_that_the_new_plan_does_not_have_is_switched_off_and_locks_no_more(story: Story) -> None:
    await story.open("level", credit=50)
    assert (await story.submit(1))["reason"] == "blocked"

    changed = await story.command(SetPlan, plan="plain")

    assert changed["rules"] == [rule_told("default", "quiet", 100, enabled=False, of_plan=True)]
    assert [block["causes"] for block in changed["blocks"]] == [[]]
    assert (await story.submit(1))["decision"] == "allowed"


async def test_rule_that_has_told_goes_on_under_the_same_level_and_tells_when_it_is_over(story: Story) -> None:
    await story.open("alert", credit=120)
    assert alerts(await story.submit(30, charge_on="submit")) == ["credit.low"]

    changed = await story.command(SetPlan, plan="level")

    assert [rule["state"] for rule in changed["rules"]] == ["low"]
    assert alerts(await story.top_up(500)) == ["credit.recovered"]
