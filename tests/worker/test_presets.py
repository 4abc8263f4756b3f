"""What the shipped plans give a new wallet and tell Lua. Leaves what the ledger makes of it to its own tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from metering.contracts.entries import CustomerSettings, RuleState
from metering.ledger.codes import Switch
from metering.ledger.entry_parts import rule_of
from metering.rating import Catalog, load_catalog
from metering.worker.customers import policy_of, rules_of
from metering.worker.user_inputs import allotment_terms, user_rules_of
from tests.rating.decks import make_plan, sms


@cache
def shipped() -> Catalog:
    """The plans of the repository."""
    return load_catalog(Path("rates"))


def given_rules(plan: str) -> list[RuleState]:
    """The rules of a new wallet; their states are found by the ledger."""
    return [rule_of(*rule) for rule in rules_of(shipped().plans[plan])]  # type: ignore[arg-type]


def switches_of(plan: str) -> set[Switch]:
    """What Lua is told of a plan's policies."""
    policy = policy_of(CustomerSettings(1, plan, shipped().plans[plan].unit), shipped().plans[plan])
    return {switch for switch in Switch if policy.switches & switch}


@pytest.mark.requirement("BM-06")
@pytest.mark.parametrize(("plan", "level"), [("currency-inr", 100_000_000), ("currency-usd", 5_000_000)])
def test_level_of_each_currency_is_fixed(plan: str, level: int) -> None:
    (rule,) = given_rules(plan)

    assert (rule.level_micros, rule.fixed, rule.enabled, rule.locks) == (level, True, True, False)


@pytest.mark.requirement("PL-34")
def test_rule_of_the_customer_is_given_to_main_alone_and_one_of_the_wallet_to_each() -> None:
    plans = shipped().plans

    assert rules_of(plans["simple-credits"], is_main=False) == []
    assert rules_of(plans["sub-accounts"], is_main=False) == rules_of(plans["sub-accounts"])


@pytest.mark.requirement("ES-06")
def test_reminder_of_a_sub_account_is_there_and_switched_off() -> None:
    (rule,) = given_rules("sub-accounts")

    assert (rule.rule, rule.enabled, rule.fixed) == ("default", False, False)


@pytest.mark.requirement("BM-14")
@pytest.mark.requirement("PL-57")
def test_presets_differ_in_what_a_block_holds_back_and_what_a_shortfall_does() -> None:
    assert switches_of("currency-inr") == {Switch.ALL_FEATURES}
    assert switches_of("rollover-credits") == {Switch.SEND_UNTIL_FLAG}
    assert switches_of("payg-usd") == set()


@pytest.mark.requirement("BM-15")
def test_first_rule_locks_where_the_plan_blocks_below_the_alert_level(tmp_path: Path) -> None:
    more = 'alerts: [{ level: "100" }, { percent: 10 }]\npolicy: { block_level: alert_level }'
    first, second = (rule_of(*rule) for rule in rules_of(make_plan(tmp_path, [], more=more)))  # type: ignore[arg-type]

    assert (first.rule, first.locks, first.level_micros) == ("default", True, 100_000_000)
    assert (second.rule, second.locks, second.percent, second.level_micros) == ("default-2", False, 10, 0)


@pytest.mark.requirement("PL-34")
@pytest.mark.requirement("C-05")
@pytest.mark.requirement("C-29")
def test_users_draw_on_one_pool_by_the_plans_terms_and_are_told_at_its_level() -> None:
    plan = shipped().plans["rollover-credits"]

    assert allotment_terms(plan) == ("plan_credits", "always", "immediate", 0, 0)
    assert [rule_of(*rule) for rule in user_rules_of(plan)] == [  # type: ignore[arg-type]
        RuleState("default", "armed", 50_000_000, 50_000_001)
    ]


@pytest.mark.requirement("PL-47")
def test_admins_reserve_is_an_amount_and_a_percentage(tmp_path: Path) -> None:
    policy = 'policy: { admin_reserve: { amount: "1000", percent: 5 }, total_cap_basis: company_total }'

    plan = make_plan(tmp_path, [sms("1", "1")], more=policy)

    assert allotment_terms(plan) == ("company_total", "always", "immediate", 1_000_000_000, 5)
