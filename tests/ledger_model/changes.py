"""One entry's change of a wallet, from before to after, and what follows. Leaves the change itself to the rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.ledger_model import alerts, blocks, counters, credit, deadlines, limits
from tests.ledger_model.inputs import Command, Event
from tests.ledger_model.state import Charge, Customer, Wallet

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket

LIMIT = 2**53
"""Amounts and balances stay below this in absolute value."""


@dataclass
class Change:
    """A wallet as it was when the entry began."""

    customer: Customer
    wallet: Wallet
    figures: dict[str, int]
    balance: int
    lots: dict[str, tuple[int, int, int | None, int]]
    blocks: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    releveled: bool = False
    touched: bool = False
    """Something of the wallet besides its figures has changed."""
    rules: list[dict[str, Any]] = field(default_factory=list)
    """Alert rules that another plan has put into it."""
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Limits that it changed, after it."""
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The same of users."""
    counters: dict[str, dict[str, Any]] = field(default_factory=dict)
    """And of counters."""
    terms: dict[str, Any] | None = None
    """What the plan says of allotments, where it is another."""
    switched_off: list[str] = field(default_factory=list)
    """Rules of the wallet that judge a user's total from now on, with the user."""


def begin(customer: Customer, wallet: Wallet) -> Change:
    """Note how the wallet stands."""
    lots = {lot.id: (lot.remaining, lot.held, lot.expires_at, lot.notice_at) for lot in wallet.lots}
    return Change(customer, wallet, wallet.figures, wallet.balance, lots)


def lots_changed(change: Change) -> dict[str, dict[str, Any]]:
    """What happened to each lot: its change, and the lot after it; kind and expiry where it is new."""
    changed: dict[str, dict[str, Any]] = {}
    for lot in change.wallet.lots:
        remaining, held, expires_at, notice_at = change.lots.get(lot.id, (0, 0, lot.expires_at, lot.notice_at))
        times_changed = (expires_at, notice_at) != (lot.expires_at, lot.notice_at)
        if times_changed or (remaining, held) != (lot.remaining, lot.held):
            changed[lot.id] = {
                "amount": lot.remaining - remaining,
                "held_change": lot.held - held,
                "remaining": lot.remaining,
                "held": lot.held,
            }
            if lot.id not in change.lots:
                changed[lot.id] |= {"kind": lot.kind, "transferable": lot.transferable}
            if times_changed or lot.id not in change.lots:
                changed[lot.id] |= {"expires_at": lot.expires_at, "notice_at": lot.notice_at}
    return changed


def conclude(bucket: Bucket, change: Change) -> dict[str, Any]:
    """What an entry tells of one wallet that it changed, and what follows from that.

    `wallet_seq` is gap-free within the wallet; only where its balance changed.
    """
    wallet = change.wallet
    lots = lots_changed(change)
    credit.drop_empty_lots(wallet)
    amount = wallet.balance - change.balance
    held_change = wallet.held - change.figures["held"]
    entry_rules: list[dict[str, Any]] = []
    wallet_seq = None
    if lots or amount != 0 or held_change != 0:
        wallet.seq += 1
        wallet_seq = wallet.seq
        lapse_expired(bucket, change)
        raised, entry_rules = alerts.check(wallet, change.figures["available"], releveled=change.releveled)
        change.alerts += raised
        if wallet.available > change.figures["available"]:
            change.blocks += blocks.lift(change.customer, wallet)
    if wallet_seq is not None or change.touched or change.blocks:
        change.blocks += blocks.lock(bucket, wallet)
    return {
        "wallet": wallet.name,
        "wallet_seq": wallet_seq,
        "amount": amount,
        "held_change": held_change,
        "before": change.figures,
        "after": wallet.figures,
        "lots": lots,
        "alerts": change.alerts,
        "rules": change.rules + entry_rules,
        "blocks": change.blocks,
    }


def finish(
    bucket: Bucket,
    change: Change,
    given: Event | Command | None,
    kind: str,
    *others: Change,
    own_price: bool = False,
    **fields: Any,
) -> dict[str, Any]:
    """Make the entry, which shows what else it changed as legs. In one entry low-credit alerts come before blocks.

    `own_price`: it holds, takes or denies the price that the event itself was priced at.
    """
    shown = conclude(bucket, change)
    legs = []
    for other in others:
        leg = conclude(bucket, other)
        for told in ("alerts", "rules", "blocks"):
            shown[told] += [one | {"leg": leg["wallet"]} for one in leg.pop(told)]
        if leg["wallet_seq"] is not None:
            legs.append(leg)
    count_units(bucket, change, given, kind, fields, own_price=own_price)
    count_limits(bucket, change, given, kind, fields)
    shown["states"] = [*change.states.values(), *change.users.values(), *([change.terms] if change.terms else [])]
    shown["states"] += change.counters.values()
    return bucket.entry(given, kind, **{"customer": change.wallet.customer, **shown, "legs": legs, **fields})


def count_units(
    bucket: Bucket,
    change: Change,
    given: Event | Command | None,
    kind: str,
    fields: dict[str, Any],
    *,
    own_price: bool,
) -> None:
    """The units that the entry holds, spends or frees count in counters; it tells what those made of its price."""
    shown = fields.get("charge")
    charge = None if shown is None else change.customer.charges[shown["id"]]
    settled = [] if shown is None else shown["settled"]
    fields |= counters.count(bucket, change, given, kind, charge, settled, own_price=own_price)


def count_limits(
    bucket: Bucket, change: Change, given: Event | Command | None, kind: str, fields: dict[str, Any]
) -> None:
    """What the entry holds and spends counts in limits. What went over one says so, where nothing else is said."""
    shown = fields.get("charge")
    charge = None if shown is None else change.customer.charges[shown["id"]]
    if limits.count(bucket, change, given, kind, charge) and fields.get("reason") is None:
        fields["reason"] = "limit_reached"
    if shown is not None and charge is not None:
        shown["takes"] = counters.takes_told(charge) + [(take.limit, take.since, take.held) for take in charge.takes]


def lapse_expired(bucket: Bucket, change: Change) -> None:
    """A lot that has expired meanwhile lapses with its own entry (its timer is set again: overdue, so it runs next)."""
    for lot in change.wallet.lots:
        if lot.expires_at is not None and lot.expires_at <= bucket.clock and lot.free > 0:
            deadlines.set_lot(bucket, change.wallet, lot)


def image(charge: Charge) -> dict[str, Any]:
    """A charge as an entry shows it."""
    return {
        "id": charge.id,
        "state": charge.state,
        "wallet": charge.wallet,
        "price": charge.price,
        "held": charge.held,
        "committed": charge.committed,
        "charge_on": charge.charge_on,
        "fee": charge.fee,
        "deadline": charge.deadline,
        "parts": [(part.lot, part.amount) for part in charge.parts],
        "sender": charge.sender,
        "recipients": None,
        "settled": [],
        "call": charge.call,
        "takes": [],
    }


def out_of_range(wallet: Wallet, amount: int, held_change: int = 0) -> bool:
    """Whether the balance, what is held or what is available would reach +-2^53."""
    balance, held = wallet.balance + amount, wallet.held + held_change
    return max(abs(balance), held, abs(balance - held)) >= LIMIT
