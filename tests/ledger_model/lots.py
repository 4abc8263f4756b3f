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
    bucket: Bucket, wallet: Wallet, amount: int, kind: str, expires_at: int | None, *, transferable: bool = True
) -> None:
    """Credit as a lot, named after the entry. In a full wallet it joins a lot of the same kind and expiry."""
    twin = twin_of(wallet, kind, expires_at, transferable=transferable)
    if len(wallet.lots) >= LOTS_MAX and twin is not None:
        paid = min(wallet.overdrawn, amount)
        wallet.overdrawn -= paid
        twin.remaining += amount - paid
        return
    lot = Lot(bucket.next_lot_id, kind, amount, 0, expires_at, bucket.seq + 1, transferable)
    credit.credit(wallet, lot)
    if lot not in wallet.lots:
        return
    bucket.lots_made = 1 if bucket.lots_made_in != bucket.seq + 1 else bucket.lots_made + 1
    bucket.lots_made_in = bucket.seq + 1
    if expires_at is not None:
        deadlines.set_lot(bucket, wallet, lot)
