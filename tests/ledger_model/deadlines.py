"""The names of timers and when they fall due. Leaves running them to `timers`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.ledger_model.state import Charge, Lot, Wallet

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket


def hold_name(customer: str, charge: Charge) -> str:
    """`h` + customer + charge, parts separated by U+0000."""
    return f"h\0{customer}\0{charge.id}"


def set_hold(bucket: Bucket, customer: str, charge: Charge) -> None:
    """A hold's deadline."""
    bucket.timers[hold_name(customer, charge)] = charge.deadline


def lot_name(wallet: Wallet, lot: Lot) -> str:
    """`l` + customer + wallet + lot."""
    return f"l\0{wallet.customer}\0{wallet.name}\0{lot.id}"


def notice_name(wallet: Wallet, lot: Lot) -> str:
    """`e` + customer + wallet + lot."""
    return f"e\0{wallet.customer}\0{wallet.name}\0{lot.id}"


def set_notice(bucket: Bucket, wallet: Wallet, lot: Lot) -> None:
    """When to tell that a lot is about to lapse."""
    if lot.notice_at:
        bucket.timers[notice_name(wallet, lot)] = lot.notice_at


def set_lot(bucket: Bucket, wallet: Wallet, lot: Lot) -> None:
    """A lot's expiry."""
    assert lot.expires_at is not None
    bucket.timers[lot_name(wallet, lot)] = lot.expires_at
