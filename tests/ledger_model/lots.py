"""New credit: a lot of its own, or part of one that is there. Leaves moving it to `credit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.ledger_model import credit, deadlines
from tests.ledger_model.state import Lot, Wallet

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket

LOTS_MAX = 128
"""Lots of one wallet: then credit joins the newest lot of the same kind and expiry."""


def twin_of(wallet: Wallet, kind: str, expires_at: int | None, *, transferable: bool = True) -> Lot | None:
    """The newest lot of that kind and expiry, and alike in whether it may be moved."""
    sort = (kind, expires_at, transferable)
    twins = [lot for lot in wallet.lots if (lot.kind, lot.expires_at, lot.transferable) == sort]
    return max(twins, key=lambda lot: lot.made_seq, default=None)


def add_credit(
    bucket: Bucket,
    wallet: Wallet,
    amount: int,
    kind: str,
    expires_at: int | None,
    *,
    transferable: bool = True,
    notice_at: int = 0,
) -> None:
    """Credit as a lot, named after the entry. In a full wallet it joins a lot of the same kind and expiry."""
    twin = twin_of(wallet, kind, expires_at, transferable=transferable)
    if len(wallet.lots) >= LOTS_MAX and twin is not None:
        paid = min(wallet.overdrawn, amount)
        wallet.overdrawn -= paid
        twin.remaining += amount - paid
        return
    lot = Lot(bucket.next_lot_id, kind, amount, 0, expires_at, bucket.seq + 1, transferable, notice_at)
    credit.credit(wallet, lot)
    if lot not in wallet.lots:
        return
    bucket.lots_made = 1 if bucket.lots_made_in != bucket.seq + 1 else bucket.lots_made + 1
    bucket.lots_made_in = bucket.seq + 1
    if expires_at is not None:
        deadlines.set_lot(bucket, wallet, lot)
        deadlines.set_notice(bucket, wallet, lot)


def notice_for(expires_at: int | None, lead: int, now: int) -> int:
    """So long before it lapses; at once where it comes later than that, and never for what has expired already."""
    if lead == 0 or expires_at is None or expires_at <= now:
        return 0
    return max(expires_at - lead, now)


def change_expiry(bucket: Bucket, wallet: Wallet, lot: Lot, expires_at: int | None, notice_at: int) -> None:
    """Let a lot lapse at another moment."""
    lot.expires_at, lot.notice_at = expires_at, notice_at
    bucket.timers.pop(deadlines.lot_name(wallet, lot), None)
    bucket.timers.pop(deadlines.notice_name(wallet, lot), None)
    if expires_at is not None:
        deadlines.set_lot(bucket, wallet, lot)
    deadlines.set_notice(bucket, wallet, lot)
