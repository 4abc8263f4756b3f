"""How credit moves within a wallet: hold, consume, release, debit, credit. Leaves who asks for it to other rules."""

from __future__ import annotations

from tests.ledger_model.state import Lot, Part, Wallet


def usage_order(lot: Lot) -> tuple[bool, bool, int, int, str]:
    """Lots are used in the order: kind (`nro` before any other), soonest expiry (never = last), oldest."""
    return (lot.kind != "nro", lot.expires_at is None, lot.expires_at or 0, lot.made_seq, lot.id)


def lots_in_order(wallet: Wallet) -> list[Lot]:
    """The wallet's lots, first used first."""
    return sorted(wallet.lots, key=usage_order)


def drop_empty_lots(wallet: Wallet) -> None:
    """A lot with nothing remaining and nothing held is gone."""
    wallet.lots = [lot for lot in wallet.lots if lot.remaining != 0 or lot.held != 0]


def lot_named(wallet: Wallet, name: str) -> Lot:
    """The lot of that id; there must be one."""
    (lot,) = [lot for lot in wallet.lots if lot.id == name]
    return lot


def debit(wallet: Wallet, amount: int) -> None:
    """**debit x**: free credit of lots in order, the rest becomes overdrawn."""
    for lot in lots_in_order(wallet):
        taken = min(lot.free, amount)
        lot.remaining -= taken
        amount -= taken
    wallet.overdrawn += amount


def pay_overdrawn(wallet: Wallet) -> None:
    """While something is overdrawn no lot is free: whatever frees or brings credit pays the overdrawn first."""
    owed, wallet.overdrawn = wallet.overdrawn, 0
    debit(wallet, owed)


def credit(wallet: Wallet, new: Lot) -> None:
    """**credit x** with a new lot: pays the overdrawn first; the rest is the lot (no lot when nothing is left)."""
    paid = min(wallet.overdrawn, new.remaining)
    wallet.overdrawn -= paid
    new.remaining -= paid
    if new.remaining > 0:
        wallet.lots.append(new)


def hold(wallet: Wallet, amount: int) -> list[Part]:
    """**hold x**: free credit of lots in order; the rest becomes `held_over`. The charge remembers the parts."""
    parts = []
    for lot in lots_in_order(wallet):
        taken = min(lot.free, amount)
        if taken > 0:
            lot.held += taken
            amount -= taken
            parts.append(Part(lot.id, taken))
    if amount > 0:
        wallet.held_over += amount
        parts.append(Part("", amount))
    return parts


def split_parts(parts: list[Part], amount: int) -> tuple[list[Part], list[Part]]:
    """The first `amount` of the parts in their order, and the rest of them."""
    first, rest = [], []
    for part in parts:
        used = min(part.amount, amount)
        amount -= used
        first.append(Part(part.lot, used))
        rest.append(Part(part.lot, part.amount - used))
    return [part for part in first if part.amount > 0], [part for part in rest if part.amount > 0]


def consume(wallet: Wallet, parts: list[Part]) -> None:
    """**consume**, in their order: lot.remaining and lot.held fall; of the `held_over` part, free credit of lots is
    taken first, the rest becomes overdrawn.
    """
    for part in parts:
        if part.lot == "":
            wallet.held_over -= part.amount
            debit(wallet, part.amount)
        else:
            lot = lot_named(wallet, part.lot)
            lot.remaining -= part.amount
            lot.held -= part.amount


def release(wallet: Wallet, parts: list[Part]) -> None:
    """**release parts**: lot.held falls; what becomes free pays the overdrawn first."""
    for part in parts:
        if part.lot == "":
            wallet.held_over -= part.amount
        else:
            lot_named(wallet, part.lot).held -= part.amount
    pay_overdrawn(wallet)
