"""Commands about users: when each is refused, and its effect. Leaves the figures to `allotments`."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from tests.ledger_model import alerts, allotments, changes, limits
from tests.ledger_model.allotments import limit_name
from tests.ledger_model.inputs import SetAlert
from tests.ledger_model.limit_images import image
from tests.ledger_model.state import Customer, Limit, Rule, User
from tests.ledger_model.user_inputs import CloseUser, PutUser, SetAllotment

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket
    from tests.ledger_model.changes import Change

USERS_MAX = 1_000
RULES_MAX = 16


def put(bucket: Bucket, customer: Customer, given: PutUser) -> dict[str, Any]:
    """Refused `shared_role` (a value for one), `too_many`, and as `set_allotment`. A plain user: `assigned`."""
    known = customer.users.get(given.user)
    role = given.role or ("user" if known is None else known.role)
    if role != "user":
        if given.per_month is not None or given.total is not None:
            return bucket.entry(given, "refused", reason="shared_role")
        user = known or User(given.user, role)
        customer.users[given.user] = user
        return end(bucket, customer, given, user, role)
    if known is not None and known.role == "user":
        return assign(bucket, customer, given, known, is_new=False)
    if len(customer.allotted) >= USERS_MAX or len(customer.limits) >= limits.LIMITS_MAX:
        return bucket.entry(given, "refused", reason="too_many")
    return assign(bucket, customer, given, User(given.user, "user"), is_new=True)


def set_allotment(bucket: Bucket, customer: Customer, given: SetAllotment) -> dict[str, Any]:
    """Refused `unknown_user`, `shared_role`, `exceeds_max`, `all_assigned`, `amount_out_of_range`. `assigned`."""
    user = customer.users.get(given.user)
    if user is None or user.role != "user":
        return bucket.entry(given, "refused", reason="unknown_user" if user is None else "shared_role")
    return assign(bucket, customer, given, user, is_new=False)


def close(bucket: Bucket, customer: Customer, given: CloseUser) -> dict[str, Any]:
    """Refused `unknown_user`, `total_negative` (where the plan does not write it off). `user_deleted_return`."""
    user = customer.users.get(given.user)
    if user is None:
        return bucket.entry(given, "refused", reason="unknown_user")
    limit = customer.limits.get(limit_name(given.user))
    if limit is not None and limit.cap < limit.used and bucket.plan_of(customer).keeps_negative:
        return bucket.entry(given, "refused", reason="total_negative")
    return end(bucket, customer, given, user, None)


def wishes(
    bucket: Bucket, customer: Customer, given: PutUser | SetAllotment, user: User, limit: Limit, *, is_new: bool
) -> tuple[int, int] | tuple[str, str]:
    """Amount by the month and total as they will be, or why not and which of them."""
    pool = customer.wallets["main"].available
    _, max_monthly, max_total = allotments.assignable(bucket, customer, user, user.per_month, pool)
    monthly = user.per_month if given.per_month is None else given.per_month
    if monthly > user.per_month and monthly > max_monthly:
        return ("exceeds_max" if max_monthly > 0 else "all_assigned"), "per_month"
    step = monthly - user.per_month
    if bucket.plan_of(customer).raise_effect == "next_period" and not is_new:
        step = 0
    elif step < 0:
        step = -min(-step, max(limit.room, 0))
    total = limit.room + step
    wanted = total if given.total is None else given.total
    wanted += (given.add or 0) if isinstance(given, SetAllotment) else 0
    if wanted > total and wanted > max_total:
        return ("exceeds_max" if max_total > 0 else "all_assigned"), "total"
    if wanted < 0 and wanted < total:
        return "amount_out_of_range", "total"
    change = wanted - limit.room
    if max(abs(change), abs(limit.cap + change), abs(wanted), abs(user.assigned + change)) > allotments.MOST:
        return "amount_out_of_range", "total"
    return monthly, wanted


def assign(
    bucket: Bucket, customer: Customer, given: PutUser | SetAllotment, user: User, *, is_new: bool
) -> dict[str, Any]:
    """Set what a user may spend. A new one has the plan's rules for users, and those that watched the pool for them."""
    change = changes.begin(customer, customer.wallets["main"])
    pool = change.figures["available"]
    key = limit_name(user.name)
    limit = (
        Limit("user", "allotment", user.name, 0, 0, 0, False, 0, 0, bucket.seq + 1) if is_new else customer.limits[key]
    )
    made = wishes(bucket, customer, given, user, limit, is_new=is_new)
    if isinstance(made[0], str):
        shown, _, _ = allotments.assignable(bucket, customer, user, user.per_month, pool)
        told = allotments.line(user, limit, 0, field=made[1], assignable=shown)
        return bucket.entry(given, "refused", reason=made[0], allotment=told)
    monthly, total = made
    settings = None
    if is_new:
        admit(bucket, change, user, limit)
        settings = customer.settings
    before, step = limit.room, int(total) - limit.room
    user.per_month, user.assigned, limit.cap = monthly, user.assigned + step, limit.cap + step
    if limit.room > 0:
        limit.reached = False
    noted, raised, _ = allotments.follow(bucket, customer, limit, before)
    change.blocks += noted
    change.alerts += raised
    show(bucket, change, user, limit, with_terms=is_new)
    shown, _, _ = allotments.assignable(bucket, customer, user, user.per_month, pool)
    told = allotments.line(user, limit, step, assignable=shown)
    rules = [alerts.image(rule) for rule in change.wallet.rules if rule.user == user.name and is_new]
    rules = [rule for rule in rules if rule["rule"] in change.switched_off]
    return changes.finish(bucket, change, given, "assigned", allotment=told, settings=settings, rules=rules)


def admit(bucket: Bucket, change: Change, user: User, limit: Limit) -> None:
    """A new plain user."""
    customer = change.customer
    customer.users[user.name] = user
    user.role = "user"
    user.assigned = 0
    customer.allotted.append(user.name)
    customer.has_terms = True
    customer.limits[limit.id] = limit
    if ("user", "allotment") not in customer.limit_sorts:
        customer.limit_sorts.add(("user", "allotment"))
        customer.version += 1
    rules = bucket.plan_of(customer).user_rules
    for number, (level, rearm) in enumerate(rules, 1):
        name = "default" if number == 1 else f"default-{number}"
        user.rules.append(rule_of(name, level, rearm, 0))
    for rule in change.wallet.rules:
        if rule.user == user.name and rule.percent == 0 and rule.enabled and len(user.rules) < RULES_MAX:
            user.rules.append(rule_of(rule.name, rule.level, rule.rearm, 0, fixed=rule.fixed))
            rule.enabled, rule.state = False, "quiet"
            change.switched_off.append(rule.name)
            change.touched = True
    allotments.first_month(bucket, customer, user)


def rule_of(
    name: str, level: int, rearm: int, total: int, *, enabled: bool = True, was: str | None = None, fixed: bool = False
) -> Rule:
    """A rule that judges a total."""
    state = alerts.first_state(total, level, rearm, enabled=enabled, was=was)
    return Rule(name, level, rearm, enabled, state, fixed=fixed)


def end(bucket: Bucket, customer: Customer, given: PutUser | CloseUser, user: User, role: str | None) -> dict[str, Any]:
    """Into a shared role, or away (None). What was assigned, held or not, can be assigned to others; no lot moves."""
    change = changes.begin(customer, customer.wallets["main"])
    total, settings = 0, None
    key = limit_name(user.name)
    if user.role == "user":
        limit = customer.limits.pop(key)
        total = max(limit.cap - limit.used, user.assigned - allotments.MOST)
        change.blocks += allotments.unblock_user(limit)
        change.states[key] = image(limit, gone=True)
        customer.allotted.remove(user.name)
        user.per_month, user.assigned, user.next_at, user.next_month, user.rules = 0, user.assigned - total, 0, 0, []
        bucket.timers.pop(allotments.timer_name(customer.name, user.name), None)
        settings = customer.settings
        change.terms = allotments.terms_image(bucket, customer)
    user.role = role or user.role
    change.users[user.name] = allotments.user_image(user, gone=role is None)
    if role is None:
        del customer.users[user.name]
    shown, _, _ = allotments.assignable(bucket, customer, None, 0, change.figures["available"])
    told = allotments.line(user, None, -total, assignable=shown)
    kind = "user_deleted_return" if role is None else "assigned"
    return changes.finish(bucket, change, given, kind, allotment=told, settings=settings)


def show(bucket: Bucket, change: Change, user: User, limit: Limit, *, with_terms: bool) -> None:
    """The entry shows the user and the allotment after it, and the terms where they are others."""
    change.states[limit.id] = image(limit)
    change.users[user.name] = allotments.user_image(user)
    if with_terms:
        change.terms = allotments.terms_image(bucket, change.customer)


def set_alert(bucket: Bucket, customer: Customer, given: SetAlert) -> dict[str, Any] | None:
    """A rule of a user who has an allotment judges the total; None where it is one of the wallet."""
    user = customer.users.get(given.user)
    if user is None or user.role != "user" or given.wallet != "main" or given.percent > 0:
        return None
    limit = customer.limits[limit_name(user.name)]
    rearm = given.level + 1 if given.rearm is None else given.rearm
    known = {rule.name: rule for rule in user.rules}
    was = known.get(given.rule)
    if was is not None and was.fixed:
        return bucket.entry(given, "refused", reason="rule_fixed")
    if rearm <= given.level:
        return bucket.entry(given, "refused", reason="invalid_level")
    if was is None and len(known) >= RULES_MAX:
        return bucket.entry(given, "refused", reason="too_many")
    state = None if was is None else was.state
    known[given.rule] = rule_of(given.rule, given.level, rearm, limit.room, enabled=given.enabled, was=state)
    user.rules = deepcopy(list(known.values()))
    change = changes.begin(customer, customer.wallets["main"])
    change.users[user.name] = allotments.user_image(user)
    return changes.finish(bucket, change, given, "settings_changed")


RULES: dict[type, Callable[[Bucket, Customer, Any], dict[str, Any]]] = {
    PutUser: put,
    SetAllotment: set_allotment,
    CloseUser: close,
}
