"""Credit between the wallets of a customer: transfers, and the end of a wallet. Leaves profiles to `wallets`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.ledger_model import blocks, changes, credit, lots, wallets
from tests.ledger_model.inputs import CloseWallet, MergeWallets, ReverseTopUp, SetWalletMode, Transfer
from tests.ledger_model.state import Customer, Wallet

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket


@dataclass
class Parcel:
    """Credit on its way: it keeps kind, expiry and whether it may be moved again."""

    kind: str
    expires_at: int | None
    transferable: bool
    notice_at: int
    amount: int


def movable(wallet: Wallet) -> int:
    """Free credit of transferable lots, never more than is available."""
    return max(0, min(wallet.available, sum(lot.free for lot in wallet.lots if lot.transferable)))


def pack(wallet: Wallet, amount: int, *, everything: bool) -> tuple[list[Parcel], dict[str, int]]:
    """Lots are chosen in the order of use; what is alike travels as one parcel. Also what is taken of which lot."""
    parcels: dict[tuple[str, int | None, bool, int], Parcel] = {}
    taken: dict[str, int] = {}
    for lot in credit.lots_in_order(wallet):
        part = min(lot.free, amount)
        if part <= 0 or not (everything or lot.transferable):
            continue
        amount -= part
        taken[lot.id] = part
        sort = (lot.kind, lot.expires_at, lot.transferable, lot.notice_at)
        parcels.setdefault(sort, Parcel(*sort, 0)).amount += part
    return list(parcels.values()), taken


def has_room(wallet: Wallet, parcels: list[Parcel]) -> bool:
    """A full wallet takes in only what can join a lot of the same sort. What pays the overdrawn needs no room."""
    owed, count = wallet.overdrawn, len(wallet.lots)
    for parcel in parcels:
        paid = min(owed, parcel.amount)
        owed -= paid
        if paid == parcel.amount:
            continue
        if count < lots.LOTS_MAX:
            count += 1
        elif lots.twin_of(wallet, parcel.kind, parcel.expires_at, transferable=parcel.transferable) is None:
            return False
    return True


def arrival_refusal(wallet: Wallet, parcels: list[Parcel], amount: int) -> str | None:
    """Not into a closed or frozen wallet, nor to 2^53, nor where there is no room for another lot."""
    if (reason := wallets.objection(wallet)) is not None:
        return reason
    if changes.out_of_range(wallet, amount):
        return "amount_out_of_range"
    return None if has_room(wallet, parcels) else "too_many"


def carry(bucket: Bucket, source: Wallet, target: Wallet, parcels: list[Parcel], taken: dict[str, int]) -> None:
    """Credit leaves one wallet and enters the other, where it pays the overdrawn first."""
    for lot, part in taken.items():
        credit.lot_named(source, lot).remaining -= part
    for parcel in parcels:
        lots.add_credit(
            bucket,
            target,
            parcel.amount,
            parcel.kind,
            parcel.expires_at,
            transferable=parcel.transferable,
            notice_at=parcel.notice_at,
        )


def transfer(bucket: Bucket, customer: Customer, given: Transfer) -> dict[str, Any]:
    """Refused `unknown_wallet`, `same_wallet`, `wrong_unit`, `wallet_closed`, `amount_out_of_range` (not above 0),
    `insufficient_credit` (more than is movable), and what the target refuses. Else `transferred`, its leg the target.
    """
    source, target = customer.wallets.get(given.wallet), customer.wallets.get(given.to)
    reason = None
    if source is None or target is None:
        return bucket.entry(given, "refused", reason="unknown_wallet")
    if source is target:
        reason = "same_wallet"
    elif given.unit != source.unit:
        reason = "wrong_unit"
    elif source.profile["state"] == "closed":
        reason = "wallet_closed"
    elif given.amount <= 0:
        reason = "amount_out_of_range"
    elif given.amount > movable(source):
        reason = "insufficient_credit"
    parcels, taken = pack(source, given.amount, everything=False)
    reason = reason or arrival_refusal(target, parcels, given.amount)
    if reason is not None:
        return bucket.entry(given, "refused", reason=reason)
    change, other = changes.begin(customer, source), changes.begin(customer, target)
    carry(bucket, source, target, parcels, taken)
    return changes.finish(bucket, change, given, "transferred", other)


def close(bucket: Bucket, customer: Customer, given: CloseWallet) -> dict[str, Any]:
    """`closed`. What it owes goes along where the plan writes it off, else `wallet_overdrawn`."""
    return end(bucket, customer, given, "closed", owing=given.writes_off)


def merge(bucket: Bucket, customer: Customer, given: MergeWallets) -> dict[str, Any]:
    """`merged`. What it owes goes along."""
    return end(bucket, customer, given, "merged", owing=True)


def closing_refusal(source: Wallet, target: Wallet, *, owing: bool) -> str | None:
    """Why the wallet cannot end now."""
    if source is target:
        return "same_wallet"
    if source.name == "main":
        return "main_wallet"
    if source.profile["state"] == "closed" and source.balance == 0:
        return "already"
    if source.held > 0:
        return "holds_open"
    return "wallet_overdrawn" if source.overdrawn > 0 and not owing else None


def end(
    bucket: Bucket, customer: Customer, given: CloseWallet | MergeWallets, kind: str, *, owing: bool
) -> dict[str, Any]:
    """Refused `unknown_wallet`, `same_wallet`, `main_wallet`, `already` (closed and empty), `holds_open`,
    `wallet_overdrawn`, and what the target refuses where there is a balance. Everything goes to it, credit that is not
    transferable too; rules and blocks go.
    """
    source, target = customer.wallets.get(given.wallet), customer.wallets.get(given.to)
    if source is None or target is None:
        return bucket.entry(given, "refused", reason="unknown_wallet")
    reason = closing_refusal(source, target, owing=owing)
    parcels, taken = pack(source, sum(lot.free for lot in source.lots), everything=True)
    if reason is None and source.balance != 0:
        reason = arrival_refusal(target, parcels, source.balance)
    if reason is not None:
        return bucket.entry(given, "refused", reason=reason)
    change, others = changes.begin(customer, source), []
    change.touched = True
    if source.balance != 0:
        others.append(changes.begin(customer, target))
        carry(bucket, source, target, parcels, taken)
        credit.debit(target, source.overdrawn)
        source.overdrawn = 0
    for cause in (wallets.FROZEN, blocks.WANT, "below_level"):
        change.blocks += blocks.take_from_wallet(source, cause)
    change.blocks += blocks.lift_senders(customer, source, None)
    source.rules = []
    source.profile["state"] = "closed"
    return changes.finish(bucket, change, given, kind, *others, profile=dict(source.profile))


def set_mode(bucket: Bucket, customer: Customer, given: SetWalletMode) -> dict[str, Any]:
    """Refused `unknown_wallet`, `same_wallet` (`main`, or one named twice), and what `main` refuses where something
    comes in. Version + 1; what is free in the wallets, transferable or not, goes into `main`: `settings_changed`.
    """
    pool = customer.wallets["main"]
    parcels: dict[tuple[str, int | None, bool, int], Parcel] = {}
    sources: list[tuple[Wallet, dict[str, int]]] = []
    seen = {"main"}
    for name in given.wallets:
        source = customer.wallets.get(name)
        if source is None or name in seen:
            return bucket.entry(given, "refused", reason="unknown_wallet" if source is None else "same_wallet")
        seen.add(name)
        packed, taken = pack(source, max(source.available, 0), everything=True)
        for parcel in packed:
            sort = (parcel.kind, parcel.expires_at, parcel.transferable, parcel.notice_at)
            parcels.setdefault(sort, Parcel(*sort, 0)).amount += parcel.amount
        sources += [(source, taken)] if taken else []
    arriving = list(parcels.values())
    if arriving:
        reason = arrival_refusal(pool, arriving, sum(parcel.amount for parcel in arriving))
        if reason is not None:
            return bucket.entry(given, "refused", reason=reason)
    change, others = changes.begin(customer, pool), []
    for source, taken in sources:
        others.append(changes.begin(customer, source))
        carry(bucket, source, pool, [], taken)
    carry(bucket, pool, pool, arriving, {})
    customer.wallet_mode = given.mode
    customer.version += 1
    return changes.finish(bucket, change, given, "settings_changed", *others, settings=customer.settings)


def reverse(bucket: Bucket, customer: Customer, given: ReverseTopUp) -> dict[str, Any]:
    """Refused `unknown_wallet`, `wrong_unit`, `wallet_closed`, `amount_out_of_range`, `already`. From the top-up's own
    lot what is free of it, then free credit of others, the rest is overdrawn: `reversed`, reason the cause.
    """
    wallet = customer.wallets.get(given.wallet)
    reason = None
    if wallet is None:
        return bucket.entry(given, "refused", reason="unknown_wallet")
    if wallet.unit != given.unit:
        reason = "wrong_unit"
    elif wallet.profile["state"] == "closed":
        reason = "wallet_closed"
    elif changes.out_of_range(wallet, -given.amount):
        reason = "amount_out_of_range"
    elif given.top_up in customer.reversals:
        reason = "already"
    if reason is not None:
        return bucket.entry(given, "refused", reason=reason)
    change, left = changes.begin(customer, wallet), given.amount
    for lot in wallet.lots:
        if lot.id == given.top_up:
            own = min(lot.free, left)
            lot.remaining -= own
            left -= own
    credit.debit(wallet, left)
    customer.reversals[given.top_up] = (wallet.name, given.amount)
    return changes.finish(bucket, change, given, "reversed", reason=given.cause)
