"""The table of commands: each refusal and each effect. On both buckets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ledger.history.story import HOUR, Story, rule_told, told
from tests.ledger_model.inputs import (
    Adjust,
    BlockSender,
    Command,
    OpenCustomer,
    Resume,
    SetAlert,
    SetPlan,
    Suspend,
    TopUp,
    UnblockSender,
)

MOST = 2**53 - 1


async def test_open_customer_has_settings_and_an_empty_wallet(story: Story) -> None:
    entry = await story.command(OpenCustomer, plan="plain", time_zone="Europe/Madrid", country="ES")

    assert told(entry, "kind", "wallet", "amount", "rules") == ("opened", "main", 0, [])
    assert entry["settings"] == {
        "version": 1,
        "plan": "plain",
        "unit": "USD",
        "time_zone": "Europe/Madrid",
        "country": "ES",
        "causes": [],
        "billing_start": entry["applied_at"],
        "cycle_months": 0,
        "wallet_mode": None,
        "limits": 0,
        "limits_count": 0,
        "rop": False,
        "equipment": [],
    }
    assert entry["after"] == {"available": 0, "held": 0, "overdrawn": 0}


async def test_open_customer_on_a_plan_with_an_alert_has_its_rule(story: Story) -> None:
    entry = await story.command(OpenCustomer, plan="alert")

    assert entry["rules"] == [rule_told("default", "quiet", 100, of_plan=True)]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"plan": "nowhere"}, "unknown_plan"),
        ({"plan": "plain", "time_zone": "Mars/Olympus"}, "invalid_time_zone"),
        ({"plan": "nowhere", "time_zone": "Mars/Olympus"}, "unknown_plan"),
    ],
)
async def test_open_customer_is_refused_for_what_is_wrong_with_it(
    story: Story, fields: dict[str, Any], reason: str
) -> None:
    entry = await story.command(OpenCustomer, **fields)

    assert told(entry, "kind", "reason") == ("refused", reason)


@pytest.mark.parametrize("plan", ["plain", "nowhere"])
async def test_open_customer_twice_is_refused_whatever_the_plan(story: Story, plan: str) -> None:
    await story.open()

    entry = await story.command(OpenCustomer, plan=plan)

    assert told(entry, "kind", "reason", "wallet") == ("refused", "customer_exists", None)


UNKNOWN: list[tuple[type[Command], dict[str, Any]]] = [
    (TopUp, {"amount": 5}),
    (SetPlan, {"plan": "plain"}),
    (SetPlan, {"plan": "nowhere"}),
    (SetAlert, {"level": 5}),
    (Suspend, {}),
    (Resume, {}),
    (BlockSender, {"sender": "s"}),
    (UnblockSender, {"sender": "s"}),
    (Adjust, {"amount": 5}),
]


@pytest.mark.parametrize(("kind", "fields"), UNKNOWN)
async def test_command_of_an_unknown_customer_is_refused(
    story: Story, kind: type[Command], fields: dict[str, Any]
) -> None:
    entry = await story.command(kind, **fields)

    assert told(entry, "kind", "reason") == ("refused", "unknown_customer")


REFUSED: list[tuple[type[Command], dict[str, Any], str]] = [
    (TopUp, {"amount": 5, "wallet": "other", "unit": "EUR"}, "unknown_wallet"),
    (TopUp, {"amount": MOST, "unit": "EUR"}, "wrong_unit"),
    (TopUp, {"amount": MOST - 99}, "amount_out_of_range"),
    (Adjust, {"amount": 5, "wallet": "other", "unit": "EUR"}, "unknown_wallet"),
    (Adjust, {"amount": 0, "unit": "EUR"}, "wrong_unit"),
    (Adjust, {"amount": 0}, "amount_out_of_range"),
    (Adjust, {"amount": MOST - 99}, "amount_out_of_range"),
    (SetPlan, {"plan": "nowhere"}, "unknown_plan"),
    (SetPlan, {"plan": "euro"}, "wrong_unit"),
    (SetAlert, {"level": 5, "rearm": 5, "wallet": "other"}, "unknown_wallet"),
    (SetAlert, {"level": 5, "rearm": 5}, "invalid_level"),
    (SetAlert, {"level": 5, "rearm": 4}, "invalid_level"),
    (Resume, {}, "not_suspended"),
    (UnblockSender, {"sender": "s"}, "not_blocked"),
]


@pytest.mark.parametrize(("kind", "fields", "reason"), REFUSED)
async def test_command_that_cannot_be_carried_out_is_refused_and_changes_nothing(
    story: Story, kind: type[Command], fields: dict[str, Any], reason: str
) -> None:
    await story.open(credit=100)

    entry = await story.command(kind, **fields)

    assert told(entry, "kind", "reason", "amount", "before", "settings") == ("refused", reason, 0, None, None)


@pytest.mark.parametrize(("kind", "fields"), [(Suspend, {}), (BlockSender, {"sender": "s"})])
async def test_command_whose_state_is_there_already_is_refused(
    story: Story, kind: type[Command], fields: dict[str, Any]
) -> None:
    await story.open()
    await story.command(kind, **fields)

    entry = await story.command(kind, **fields)

    assert told(entry, "kind", "reason") == ("refused", "already")


@pytest.mark.requirement("IU-22")
async def test_top_up_adds_credit_at_once(story: Story) -> None:
    await story.open(credit=0)

    entry = await story.top_up(100)

    assert told(entry, "kind", "amount", "wallet_seq", "after") == (
        "topped_up", 100, 1, {"available": 100, "held": 0, "overdrawn": 0},
    )  # fmt: skip


async def test_set_plan_raises_the_version_and_its_policy_holds_from_then_on(story: Story) -> None:
    await story.open(credit=10)

    changed = await story.command(SetPlan, plan="overdraft")
    entry = await story.submit(40)

    assert told(changed, "kind", "settings.version", "settings.plan", "wallet") == (
        "settings_changed", 2, "overdraft", "main",
    )  # fmt: skip
    assert entry["decision"] == "allowed"


async def test_suspension_keeps_the_settings_version(story: Story) -> None:
    await story.open()

    suspended = await story.command(Suspend)
    resumed = await story.command(Resume)

    assert told(suspended, "settings.version", "settings.causes") == (1, ["suspended"])
    assert told(resumed, "settings.version", "settings.causes") == (1, [])


async def test_set_alert_beyond_sixteen_rules_is_refused(story: Story) -> None:
    await story.open()
    for n in range(16):
        await story.set_alert(5, rule=f"r{n}")

    refused = await story.set_alert(5, rule="one too many")
    changed = await story.set_alert(7, rule="r3")

    assert told(refused, "kind", "reason") == ("refused", "too_many")
    assert told(changed, "kind") == ("settings_changed",)


async def test_adjustment_upwards_is_a_lot_and_downwards_a_debit(story: Story) -> None:
    await story.open(credit=100)

    up = await story.adjust(5)
    down = await story.adjust(-110)

    assert told(up, "kind", "amount") == ("adjusted", 5)
    assert [lot["kind"] for lot in up["lots"].values()] == ["fro"]
    assert told(down, "kind", "amount", "after") == (
        "adjusted", -110, {"available": -5, "held": 0, "overdrawn": 5},
    )  # fmt: skip


@pytest.mark.requirement("IU-15")
async def test_every_change_of_a_balance_has_an_entry_and_the_entries_add_up(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(40, lasts=HOUR)
    await story.outcome("sent", price=30, actual=True)
    await story.receive(5)
    await story.record(10)
    await story.adjust_charge(2)
    await story.adjust(-3)
    await story.top_up(20, expires_at=story.now + HOUR)
    await story.submit(4, charge="y", lasts=HOUR)
    story.wait(HOUR)
    await story.tick()

    changes = [entry for entry in story.entries if entry["wallet_seq"] is not None]
    assert [entry["wallet_seq"] for entry in changes] == list(range(1, len(changes) + 1))
    assert sum(entry["amount"] for entry in story.entries) == story.available == 100 - 30 - 5 - 10 - 2 - 3
    assert sum(entry["held_change"] for entry in story.entries) == 0
