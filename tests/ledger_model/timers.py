"""What falls due: deadlines of holds, expiries of lots. Leaves how many run before an input to the bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ledger_model import alerts, allotments, changes, credit, cycles, fees, limits, sweeps

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket


def next_due(bucket: Bucket) -> tuple[str, int] | None:
    """Timers due at or before the input's clock run: soonest first, then by name, byte by byte."""
    due = [(at, name.encode(), name) for name, at in bucket.timers.items() if at <= bucket.clock]
    if not due:
        return None
    at, _, name = min(due)
    del bucket.timers[name]
    return name, at


def run(  # noqa: PLR0911  one return for each letter
    bucket: Bucket, name: str, due: int
) -> dict[str, Any] | None:
    """The effect of one timer; None where it finds nothing to do."""
    sort, customer, *rest = name.split("\0")
    if sort == "h":
        (charge,) = rest
        return expire_hold(bucket, customer, charge, due)
    if sort == "w":
        (limit,) = rest
        return limits.end_window(bucket, bucket.customers[customer], limit, due)
    if sort == "u":
        (user,) = rest
        return allotments.begin_month(bucket, customer, user, due)
    if sort == "y":
        return cycles.begin(bucket, customer, due)
    if sort in ("z", "s"):
        (name,) = rest
        fall_due = fees.fall_due if sort == "z" else sweeps.fall_due
        return fall_due(bucket, customer, name, due)
    wallet, lot = rest
    if sort == "e":
        return tell_expiry(bucket, customer, wallet, lot, due)
    return expire_lot(bucket, customer, wallet, lot, due)


def expire_hold(bucket: Bucket, customer: str, name: str, due: int) -> dict[str, Any] | None:
    """Hold: entry `expired`, reason `hold`: parts released, charge `expired`."""
    owner = bucket.customers[customer]
    charge = owner.charges.get(name)
    if charge is None or charge.state != "held" or charge.deadline != due:
        return None
    change = changes.begin(owner, owner.wallets[charge.wallet])
    change.alerts.append(alerts.told("hold.expired"))
    parts, charge.parts = charge.parts, []
    credit.release(change.wallet, parts)
    charge.state = "expired"
    charge.deadline = 0
    charge.touched_at = bucket.clock
    return changes.finish(bucket, change, None, "expired", reason="hold", charge=changes.image(charge), due_at=due)


def expire_lot(bucket: Bucket, customer: str, wallet: str, lot_id: str, due: int) -> dict[str, Any] | None:
    """Lot: entry `expired`, reason `lot`: its free credit is taken away (amount = -free; nothing free, no entry)."""
    owner = bucket.customers[customer]
    change = changes.begin(owner, owner.wallets[wallet])
    found = [lot for lot in change.wallet.lots if lot.id == lot_id and lot.free > 0]
    if not found:
        return None
    found[0].remaining -= found[0].free
    return changes.finish(bucket, change, None, "expired", reason="lot", due_at=due)


def tell_expiry(bucket: Bucket, customer: str, wallet: str, lot_id: str, due: int) -> dict[str, Any] | None:
    """Notice: entry `expiring`, alert `lot.expiring`, once; not where the lot is used up or has expired."""
    owner = bucket.customers[customer]
    change = changes.begin(owner, owner.wallets[wallet])
    found = [lot for lot in change.wallet.lots if lot.id == lot_id and lot.notice_at == due]
    if not found or (found[0].expires_at or 0) <= bucket.clock:
        return None
    found[0].notice_at = 0
    change.alerts.append({"type": "lot.expiring", "rule": lot_id, "level": found[0].remaining, "user": ""})
    return changes.finish(bucket, change, None, "expiring", reason="lot", due_at=due)
