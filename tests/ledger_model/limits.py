"""Limits: may it be taken, where is it counted, what does a full one set off. Leaves windows to `calendar`."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from tests.ledger_model import allotments, blocks, calendar
from tests.ledger_model.inputs import Command, Event, PutLimit, Recorded, Submission
from tests.ledger_model.limit_images import image
from tests.ledger_model.state import LEVELS, WINDOWS, Charge, Customer, Limit, Take, Wallet

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket
    from tests.ledger_model.changes import Change

MOST = 2**53 - 1
LIMITS_MAX = 10_000
COUNTED = ("reserved", "extended", "committed", "released", "debited", "expired")
CAUSE = "limit_reached"


def bounded(limit: Limit, used: int) -> int:
    """A limit counts no further than the largest amount, either way, nor does what is left of its cap."""
    return min(max(used, limit.cap - MOST), limit.cap + MOST, MOST)


def is_over(limit: Limit, now: int) -> bool:
    """Whether its window has ended."""
    return 0 < limit.ends <= now


def at_present(bucket: Bucket, customer: Customer, limit: Limit) -> Limit:
    """The limit as it is at this moment: what is left of each window carries over, or all begins anew."""
    limit = deepcopy(limit)
    cycle = customer.cycle
    if limit.window == "cycle" and cycle is not None and cycle.starts_at <= bucket.clock < cycle.ends_at:
        refit(bucket, limit, cycle.starts_at, cycle.ends_at)
    if not is_over(limit, bucket.clock):
        return limit
    ended = limit.ends
    limit.starts, limit.ends = calendar.window(customer, limit.window, bucket.clock)
    if limit.carry:
        for _ in range(calendar.gone_by(customer, limit.window, ended, limit.starts, bucket.clock)):
            limit.used = bounded(limit, limit.used - limit.cap)
    else:
        limit.used, limit.held, limit.since_seq = 0, 0, bucket.seq + 1
    limit.reached = False
    return limit


def refit(bucket: Bucket, limit: Limit, starts: int, ends: int) -> None:
    """A window that is open ends with the cycle that runs, or ended when that began, where it began later."""
    if not is_over(limit, bucket.clock):
        limit.ends = starts if starts > limit.starts + calendar.HALF_MONTH else ends


def path(customer: Customer, wallet: Wallet, given: Event | Command | None, charge: Charge | None) -> list[str]:
    """The limits that a charge took from; where it took from none, those that the event meets, by level and window."""
    if charge is not None and charge.takes:
        return list(dict.fromkeys(take.limit for take in charge.takes))
    if not isinstance(given, Event):
        return []
    sender = given.sender if charge is None or charge.sender is None else charge.sender
    names = dict(zip(LEVELS, (customer.name, wallet.name, given.user, sender, given.campaign), strict=True))
    ids = [f"{level}:{window}:{names[level]}" for level in LEVELS for window in WINDOWS if names[level] is not None]
    ids = [limit for limit in ids if limit in customer.limits]
    return [limit for limit in ids if wallet.name == "main" or not limit.startswith("user:allotment:")]


def objection(
    bucket: Bucket, change: Change, given: Event, charge: Charge | None, price: int, *, blocks_sender: bool
) -> str | None:
    """The first limit with less room than the price denies: it is told once a window, and a single charge's sender is
    blocked until the window ends.
    """
    customer = change.customer
    for name in path(customer, change.wallet, given, charge):
        limit = at_present(bucket, customer, customer.limits[name])
        is_allotment = limit.window == "allotment"
        slack = slack_of(bucket, customer, given) if is_allotment else 0
        if price <= limit.room + slack and not (is_allotment and limit.blocked):
            continue
        enter(bucket, change, limit)
        tell(change, limit)
        if is_allotment:
            change.blocks += allotments.block_user(bucket, limit) if blocks_sender else []
        elif blocks_sender and given.sender is not None:
            block(bucket, change, limit, given.sender)
        note(change, limit)
        return CAUSE
    return None


def slack_of(bucket: Bucket, customer: Customer, given: Event) -> int:
    """A user's total may be spent below zero by scheduled messages where they go out until the flag is set."""
    plan = bucket.plan_of(customer)
    is_scheduled = isinstance(given, Submission) and given.scheduled
    return plan.overdraft_limit if is_scheduled and plan.send_until_flag else 0


def shortage(customer: Customer, wallet: Wallet, given: Event) -> str:
    """Why credit does not cover an event: a user with an allotment is told that the pool does not."""
    has_allotment = wallet.name == "main" and f"user:allotment:{given.user}" in customer.limits
    return "pool_empty" if has_allotment else "insufficient_credit"


def left_for_user(bucket: Bucket, customer: Customer, wallet: Wallet, given: Event, otherwise: int) -> int:
    """What a user with an allotment may spend of the pool; `otherwise` where nothing limits it."""
    limit = customer.limits.get(f"user:allotment:{given.user}") if wallet.name == "main" else None
    return otherwise if limit is None else limit.room + slack_of(bucket, customer, given)


def enter(bucket: Bucket, change: Change, limit: Limit) -> None:
    """Keep the limit as it is at present. What it blocked in a window that is over is lifted, where no timer did."""
    customer = change.customer
    if limit.ends != customer.limits[limit.id].ends:
        change.blocks += lift(bucket, customer, limit)
    customer.limits[limit.id] = limit


def note(change: Change, limit: Limit) -> None:
    """The entry shows the limit after it."""
    change.states[limit.id] = image(limit)


def tell(change: Change, limit: Limit) -> None:
    """`limit.reached`, once a window."""
    if not limit.reached:
        limit.reached = True
        change.alerts.append({"type": "limit.reached", "rule": limit.id, "level": limit.cap, "user": ""})


def timer_name(customer: Customer, limit: Limit) -> str:
    """`w` + customer + limit."""
    return f"w\0{customer.name}\0{limit.id}"


def block(bucket: Bucket, change: Change, limit: Limit, sender: str) -> None:
    """A limit blocks at most 256 senders; until its window ends, where it does."""
    if len(limit.blocked) >= blocks.SENDERS_BLOCKED_MAX:
        return
    noted = blocks.add_to_sender(bucket, change.customer, sender, CAUSE)
    if not noted:
        return
    change.customer.senders[sender].until = limit.ends
    noted[0]["until"] = limit.ends
    change.blocks += noted
    if sender not in limit.blocked:
        limit.blocked.append(sender)
    if limit.ends:
        bucket.timers[timer_name(change.customer, limit)] = limit.ends


def lift(bucket: Bucket, customer: Customer, limit: Limit) -> list[dict[str, Any]]:
    """What it blocks is free again, unless something else blocks it as well."""
    lifted = []
    for name in limit.blocked:
        sender = customer.senders.get(name)
        if sender is not None and CAUSE in sender.causes:
            sender.until = 0
            left = blocks.shrink(sender, CAUSE)
            if left is None:
                del customer.senders[name]
            lifted.append(blocks.told("sender", name, CAUSE, left, changed=left is None))
    limit.blocked = []
    bucket.timers.pop(timer_name(customer, limit), None)
    return lifted


def end_window(bucket: Bucket, customer: Customer, name: str, due: int) -> dict[str, Any] | None:
    """Timer: the window is over, and with it what it blocks."""
    limit = customer.limits.get(name)
    if limit is None or not limit.blocked:
        return None
    lifted = lift(bucket, customer, limit)
    return bucket.entry(
        None,
        "unblocked",
        customer=customer.name,
        reason=CAUSE,
        blocks=lifted,
        states=[image(limit)],
        due_at=due,
    )


def count(bucket: Bucket, change: Change, given: Event | Command | None, kind: str, charge: Charge | None) -> bool:
    """What an entry held, freed and spent counts in each limit of its path. Whether it went over one."""
    held = change.wallet.held - change.figures["held"]
    spent = change.balance - change.wallet.balance
    if kind not in COUNTED or (kind == "expired" and charge is None) or (held == 0 and spent == 0):
        return False
    over = False
    takes: list[Take] = []
    for name in path(change.customer, change.wallet, given, charge):
        mine = [take for take in ([] if charge is None else charge.takes) if take.limit == name]
        if name not in change.customer.limits:
            continue
        before = change.customer.limits[name].room
        over |= count_in(bucket, change, name, mine, held, spent)
        if change.customer.limits[name].window == "allotment":
            follow_user(bucket, change, change.customer.limits[name], before, recorded=isinstance(given, Recorded))
        takes += mine
    if charge is not None:
        charge.takes = takes
    return over


def follow_user(bucket: Bucket, change: Change, limit: Limit, before: int, *, recorded: bool) -> None:
    """What follows for the user whose total moved."""
    noted, raised, moved = allotments.follow(bucket, change.customer, limit, before, recorded=recorded)
    change.blocks += noted
    change.alerts += raised
    if noted:
        note(change, limit)
    if moved:
        change.users[limit.name] = allotments.user_image(change.customer.users[limit.name])


def count_in(bucket: Bucket, change: Change, name: str, takes: list[Take], held: int, spent: int) -> bool:
    """In one limit: what is settled leaves what was held in its window, as used or back; if that is over, it counts
    nowhere. What is held anew, and spent without having been held, counts in the present window.
    """
    limit = change.customer.limits[name]
    freed = max(0, -held)
    used = max(0, min(spent, freed))
    rest = max(0, spent)
    for take in takes:
        part = min(take.held, freed)
        charged = min(part, used)
        freed, used, rest = freed - part, used - charged, rest - charged
        take.held -= part
        if take.since == limit.since_seq:
            limit.held -= part
            limit.used = bounded(limit, limit.used + charged)
    if held < 0:
        note(change, limit)
    if held <= 0 and rest == 0:
        return False
    limit = at_present(bucket, change.customer, limit)
    enter(bucket, change, limit)
    if held > 0:
        limit.held += held
        if takes and takes[-1].since == limit.since_seq:
            takes[-1].held += held
        else:
            takes.append(Take(name, limit.since_seq, held))
    limit.used = bounded(limit, limit.used + rest)
    if limit.room <= 0:
        tell(change, limit)
    note(change, limit)
    return rest > 0 and limit.room < 0


def put_limit(bucket: Bucket, customer: Customer, given: PutLimit) -> dict[str, Any]:
    """Refused `unknown_limit` (none to take away), `too_many`. What was used in the window stays; where there is room
    again, what the limit blocks is free. The first of a level and window raises the version.
    """
    name = customer.name if given.level == "customer" else given.name
    key = f"{given.level}:{given.window}:{name}"
    known = customer.limits.get(key)
    if known is None and given.cap is None:
        return bucket.entry(given, "refused", reason="unknown_limit")
    if known is None and len(customer.limits) >= LIMITS_MAX:
        return bucket.entry(given, "refused", reason="too_many")
    if known is None:
        starts, ends = calendar.window(customer, given.window, bucket.clock)
        limit = Limit(given.level, given.window, name, 0, 0, 0, False, starts, ends, bucket.seq + 1)
    else:
        limit = at_present(bucket, customer, known)
    if given.cap is not None:
        limit.cap, limit.carry = given.cap, given.carry
    lifted = []
    if given.cap is None or (known is not None and limit.ends != known.ends) or limit.room > 0:
        limit.reached = False
        lifted = lift(bucket, customer, limit)
    settings = None
    if given.cap is None:
        del customer.limits[key]
    else:
        customer.limits[key] = limit
        if known is None and (given.level, given.window) not in customer.limit_sorts:
            customer.limit_sorts.add((given.level, given.window))
            customer.version += 1
    if known is None or given.cap is None:
        settings = customer.settings
    shown = image(limit, gone=given.cap is None)
    return bucket.entry(given, "settings_changed", states=[shown], blocks=lifted, settings=settings)
