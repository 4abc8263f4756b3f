"""Low credit: which rules tell what after an entry. Leaves commands that change rules to `commands`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.ledger_model.plan_state import Plan
from tests.ledger_model.state import Rule, Wallet

if TYPE_CHECKING:
    from tests.ledger_model.changes import Change


def check(wallet: Wallet, before: int, *, releveled: bool = False) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """After each entry that changes a wallet, per rule in order of creation, then `credit.exhausted`; the alerts and
    the rules that moved. After a top-up (`releveled`), rules in percent show their new level.
    """
    alerts, moved = [], []
    for rule in wallet.rules:
        was = rule.state
        alert = move(rule, before, wallet.available)
        is_new_level = releveled and rule.percent > 0
        if is_new_level and rule.state == "armed" and wallet.available <= rule.level:
            rule.state = "quiet"
        if alert is not None:
            alerts.append(told(alert, rule))
        if rule.state != was or is_new_level:
            moved.append(image(rule))
    if before > 0 >= wallet.available:
        alerts.append(told("credit.exhausted"))
    return alerts, moved


def told(alert: str, rule: Rule | None = None) -> dict[str, Any]:
    """An alert as an entry shows it."""
    if rule is None:
        return {"type": alert, "rule": "", "level": 0, "user": ""}
    return {"type": alert, "rule": rule.name, "level": rule.level, "user": rule.user}


def relevel(wallet: Wallet, amount: int) -> None:
    """A top-up: the level of a rule in percent is that much of it, rounded down; it is armed again right above."""
    wallet.last_top_up = amount
    for rule in wallet.rules:
        if rule.percent > 0:
            rule.level = amount * rule.percent // 100
            rule.rearm = rule.level + 1


def move(rule: Rule, before: int, after: int) -> str | None:
    """`armed` and available went from > level to <= level: `low`, `credit.low`. `low` and available >= rearm: `armed`,
    `credit.recovered`. `quiet` and available >= rearm: `armed`, no alert. A disabled rule does nothing.
    """
    if not rule.enabled:
        return None
    if rule.state == "armed" and before > rule.level >= after:
        rule.state = "low"
        return "credit.low"
    if rule.state == "low" and after >= rule.rearm:
        rule.state = "armed"
        return "credit.recovered"
    if rule.state == "quiet" and after >= rule.rearm:
        rule.state = "armed"
    return None


def first_state(available: int, level: int, rearm: int, *, enabled: bool, was: str | None) -> str:
    """A rule that is made or changed starts `quiet` when available <= level, else `armed` (a `low` rule that stays
    under its new rearm level stays `low`, unless disabled). A disabled rule is always `quiet`.
    """
    if not enabled:
        return "quiet"
    if was == "low" and available < rearm:
        return "low"
    return "quiet" if available <= level else "armed"


def image(rule: Rule) -> dict[str, Any]:
    """A rule as an entry shows it."""
    return {
        "rule": rule.name,
        "state": rule.state,
        "level": rule.level,
        "rearm": rule.rearm,
        "enabled": rule.enabled,
        "percent": rule.percent,
        "locks": rule.locks,
        "fixed": rule.fixed,
        "user": rule.user,
        "of_plan": rule.of_plan,
    }


def replace_rules(change: Change, plan: Plan) -> None:
    """Another plan: its rules take the place of those of the plan before, and one that it does not have is switched
    off. What the customer has set stays, unless the plan fixes it; it locks only where the plan's rule does.
    """
    wallet = change.wallet
    if wallet.profile["state"] == "closed":
        return
    wanted = {rule.name: rule for rule in rules_of(plan)}
    for place, was in enumerate(wallet.rules):
        new = wanted.pop(was.name, None)
        rule = replace(was, locks=new is not None and new.locks)
        if was.of_plan and new is None:
            rule = replace(rule, enabled=False, fixed=False)
        elif new is not None and (was.of_plan or new.fixed):
            rule = new
        put_rule(change, place, rule)
    for rule in wanted.values():
        if len(wallet.rules) < RULES_MAX:
            put_rule(change, len(wallet.rules), rule)


def put_rule(change: Change, place: int, rule: Rule) -> None:
    """One with the same level goes on in its state; any other begins as one that was changed."""
    wallet = change.wallet
    was = wallet.rules[place] if place < len(wallet.rules) else None
    terms = (rule.level, rule.rearm, rule.enabled)
    if was is not None and terms == (was.level, was.rearm, was.enabled):
        state = was.state
    else:
        state = first_state(wallet.available, *terms[:2], enabled=rule.enabled, was=None if was is None else was.state)
    rule = replace(rule, state=state)
    if rule != was:
        wallet.rules[place : place + 1] = [rule]
        change.touched = True
        change.rules.append(image(rule))


RULES_MAX = 16
"""Low-credit rules of one wallet: one more is refused `too_many`."""


def rules_of(plan: Plan) -> list[Rule]:
    """The rules that a plan gives a new wallet: its `default`, if it has one."""
    if plan.alert is None:
        return []
    level, rearm = plan.alert
    state = first_state(0, level, rearm, enabled=plan.alert_enabled, was=None)
    return [
        Rule(
            "default",
            level,
            rearm,
            enabled=plan.alert_enabled,
            state=state,
            locks=plan.locks,
            fixed=plan.fixed,
            of_plan=True,
        )
    ]
