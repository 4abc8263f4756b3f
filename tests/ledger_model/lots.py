"""New credit: a lot of its own, or part of one that is there. Leaves moving it to `credit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.ledger_model import credit, deadlines
from tests.ledger_model.state import Lot, Wallet

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket

LOTS_MAX = 128
"""Lots of one wallet: then credit joins the newest lot of the same kind and expiry."""


def twin_of(wallet: Wallet, kind: str, expires_at: int | None) -> Lot | None:
    """The newest lot of that kind and expiry."""
    twins = [lot for lot in wallet.lots if lot.kind == kind and lot.expires_at == expires_at]
    return max(twins, key=lambda lot: lot.made_seq, default=None)


def add_credit(bucket: Bucket, wallet: Wallet, amount: int, kind: str, expires_at: int | None) -> None:
    """Credit as a lot, named after the entry. In a full wallet it joins a lot of the same kind and expiry."""
    twin = twin_of(wallet, kind, expires_at)
    if len(wallet.lots) >= LOTS_MAX and twin is not None:
        paid = min(wallet.overdrawn, amount)
        wallet.overdrawn -= paid
        twin.remaining += amount - paid
        return
    lot = Lot(bucket.next_id, kind, amount, 0, expires_at, bucket.seq + 1)
    credit.credit(wallet, lot)
    if lot in wallet.lots and expires_at is not None:
        deadlines.set_lot(bucket, wallet, lot)
