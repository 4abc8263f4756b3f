"""What users may spend of the company pool: the figures, the boundary of the month. Leaves commands to `users`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ledger_model import alerts, blocks, numbers
from tests.ledger_model.anniversaries import month_at, months_passed
from tests.ledger_model.limit_images import image
from tests.ledger_model.state import Block, Customer, Limit, Rule, User

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket
    from tests.ledger_model.changes import Change

MOST = 2**53 - 1
CAUSE = "limit_reached"


def limit_name(user: str) -> str:
    """The limit that is a user's allotment."""
    return f"user:allotment:{user}"


def timer_name(customer: str, user: str) -> str:
    """`u` + customer + user."""
    return f"u\0{customer}\0{user}"


def user_image(user: User, *, gone: bool = False) -> dict[str, Any]:
    """A user as an entry shows it."""
    return {
        "kind": "user",
        "id": user.name,
        "role": user.role,
        "per_month_micros": user.per_month,
        "assigned_micros": user.assigned,
        "next_at_ms": user.next_at,
        "next_month": user.next_month,
        "rules": [(r.name, r.state, r.level, r.rearm, int(r.enabled), int(r.fixed)) for r in user.rules],
        "gone": gone,
    }


def terms_image(bucket: Bucket, customer: Customer) -> dict[str, Any]:
    """What the plan says of allotments, with those who have one."""
    plan = bucket.plan_of(customer)
    return {
        "kind": "allotments",
        "id": "plan",
        "total_cap_basis": plan.cap_basis,
        "user_allotment_rollover": plan.rollover,
        "allotment_raise_effect": plan.raise_effect,
        "reserve_micros": plan.reserve,
        "reserve_percent": plan.reserve_percent,
        "users": list(customer.allotted),
        "gone": False,
    }


def assignable(
    bucket: Bucket, customer: Customer, user: User | None, per_month: int, pool: int
) -> tuple[dict[str, int], int, int]:
    """What can be assigned, as an entry shows it; then the two maxima by themselves.

    Ceiling of both values: the plan's credits a month, less reserve and numbers, less what other users have; never more
    than is available in the pool.
    """
    plan, cycle = bucket.plan_of(customer), customer.cycle
    months = 1 if cycle is None else max(cycle.months, 1)
    grant = 0 if cycle is None else cycle.grant
    monthly = grant // months
    left_of_plan = (grant - numbers.fees_of(customer)) // months - plan.reserve - monthly * plan.reserve_percent // 100
    kept = monthly - left_of_plan
    others = [name for name in customer.allotted if user is None or name != user.name]
    limits = [customer.limits[limit_name(name)] for name in others]
    others_monthly = sum(customer.users[name].per_month for name in others)
    own = None if user is None else customer.limits.get(limit_name(user.name))
    if plan.cap_basis == "company_total":
        total = pool - kept - sum(max(limit.room, 0) for limit in limits)
    else:
        spent = 0 if own is None else own.used + own.held
        total = left_of_plan - sum(limit.cap for limit in limits) - spent
    max_monthly, max_total = max(min(left_of_plan - others_monthly, pool), 0), max(min(total, pool), 0)
    shown = {
        "company_total": pool,
        "max_per_month": max_monthly,
        "max_total": max_total,
        "over_assigned": min(max(others_monthly + per_month - left_of_plan, 0), MOST),
    }
    return shown, max_monthly, max_total


def line(user: User, limit: Limit | None, change: int, **fields: Any) -> dict[str, Any]:
    """A line of a user's total."""
    return {
        "user": user.name,
        "change": change,
        "lapsed": 0,
        "subtotal": user.assigned,
        "total": None if limit is None else limit.room,
        "per_month": None if limit is None else user.per_month,
        "field": None,
        "assignable": None,
        **fields,
    }


def about_plan(bucket: Bucket, change: Change) -> dict[str, Any] | None:
    """What a change of plan tells, where there are or were users with allotments: does it still cover them?"""
    customer = change.customer
    if not customer.has_terms:
        return None
    shown, _, _ = assignable(bucket, customer, None, 0, change.figures["available"])
    nobody = User("", "user")
    return line(nobody, None, 0, assignable=shown)


def block_user(bucket: Bucket, limit: Limit) -> list[dict[str, Any]]:
    """A user whose allotment is spent."""
    if limit.room > 0 or limit.blocked:
        return []
    limit.blocked = [limit.name]
    block = Block(bucket.clock, bucket.seq + 1, {CAUSE})
    return [blocks.told("user", limit.name, CAUSE, block, changed=True)]


def unblock_user(limit: Limit) -> list[dict[str, Any]]:
    """There is something to spend again, or the allotment is gone."""
    if not limit.blocked:
        return []
    limit.blocked = []
    return [blocks.told("user", limit.name, CAUSE, None, changed=True)]


def follow(
    bucket: Bucket, customer: Customer, limit: Limit, before: int, *, recorded: bool = False
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], bool]:
    """Blocks and alerts that follow from a total that moved, and whether a rule did."""
    noted: list[dict[str, Any]] = []
    if limit.room > 0:
        noted = unblock_user(limit)
    elif recorded and limit.room < 0 and limit.room < before:
        noted = block_user(bucket, limit)
    raised, moved = [], False
    for rule in customer.users[limit.name].rules:
        was = rule.state
        alert = alerts.move(rule, before, limit.room)
        moved = moved or rule.state != was
        if alert is not None:
            raised.append(told(alert, rule, limit))
    return noted, raised, moved


def told(alert: str, rule: Rule, limit: Limit) -> dict[str, Any]:
    """An alert about a user's total."""
    return {"type": alert, "rule": rule.name, "level": rule.level, "user": limit.name, "total": limit.room}


def begin_month(bucket: Bucket, name: str, user_name: str, due: int) -> dict[str, Any] | None:
    """Timer: a month begins: `allotted`. What was left goes along, or lapses, held or not, as the plan has it; what is
    missing goes along. Where the total would reach 2^53, nothing is added.
    """
    customer = bucket.customers[name]
    user = customer.users.get(user_name)
    if user is None or user.next_at != due:
        return None
    limit = customer.limits[limit_name(user_name)]
    before, left, added, reason = limit.room, limit.cap - limit.used, user.per_month, None
    rollover = bucket.plan_of(customer).rollover
    lapses = rollover == "never" or (rollover == "only_with_rop" and not customer.rop)
    lapsed = max(left, 0) if lapses else 0
    if left - lapsed + added > MOST or abs(user.assigned - lapsed + added) > MOST:
        added, reason = 0, "amount_out_of_range"
    limit.cap, limit.used = left - lapsed + added, 0
    if lapses:
        limit.held, limit.since_seq = 0, bucket.seq + 1
    if limit.room > 0:
        limit.reached = False
    user.assigned += added - lapsed
    user.next_month += 1
    schedule(bucket, customer, user)
    noted, raised, _ = follow(bucket, customer, limit, before)
    return bucket.entry(
        None,
        "allotted",
        customer=name,
        reason=reason,
        due_at=due,
        blocks=noted,
        alerts=raised,
        states=[image(limit), user_image(user)],
        allotment=line(user, limit, added - lapsed, lapsed=lapsed),
    )


def schedule(bucket: Bucket, customer: Customer, user: User) -> None:
    """When the user's next month begins."""
    user.next_at = month_at(customer, user.next_month)
    bucket.timers[timer_name(customer.name, user.name)] = user.next_at


def first_month(bucket: Bucket, customer: Customer, user: User) -> None:
    """The next beginning of a month after the user came."""
    user.next_month = months_passed(customer, bucket.clock) + 1
    schedule(bucket, customer, user)
