"""Blocks of wallets and senders: when want of credit sets and lifts them. Leaves those set by hand to `commands`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ledger_model.state import Customer, Sender, Wallet, Want

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket

SENDERS_BLOCKED_MAX = 256
"""More senders of one wallet than that: the wallet is blocked instead."""


def block_change(level: str, name: str, reason: str, **fields: Any) -> dict[str, Any]:
    """A block that came or went, as an entry shows it."""
    nothing = {"wallet": "", "needed": 0, "manual": False, "changed": True}
    return {"level": level, "id": name, "reason": reason, **nothing, **fields}


def is_blocked(customer: Customer, wallet: Wallet, sender: str | None) -> bool:
    """Sender or wallet blocked."""
    return wallet.block is not None or sender in customer.senders


def wanting(customer: Customer, wallet: Wallet) -> list[str]:
    """The senders blocked for want of credit in that wallet, in order of blocking."""
    found = [
        (sender.want.since_seq, name)
        for name, sender in customer.senders.items()
        if sender.want is not None and sender.want.wallet == wallet.name
    ]
    return [name for _, name in sorted(found)]


def block(bucket: Bucket, customer: Customer, wallet: Wallet, sender: str | None, needed: int) -> list[dict[str, Any]]:
    """**Block rule**: available + overdraft limit <= block level: the **wallet** is blocked; else, if the event has a
    sender, the **sender** is blocked (more than 256 senders of one wallet: the wallet). Already blocked: nothing.
    """
    plan = bucket.plan_of(customer)
    want = Want(wallet.name, needed - plan.overdraft_limit, bucket.clock, bucket.seq + 1)
    exhausted = bucket.spendable(customer, wallet) <= plan.block_level
    crowded = sender is not None and len(wanting(customer, wallet)) >= SENDERS_BLOCKED_MAX
    if exhausted or crowded:
        if wallet.block is not None:
            return []
        wallet.block = want
        return [_change(want, "wallet", wallet.name)]
    if sender is None or sender in customer.senders:
        return []
    customer.senders[sender] = Sender(want.since, want.since_seq, manual=False, want=want)
    return [_change(want, "sender", sender)]


def _change(want: Want, level: str, name: str) -> dict[str, Any]:
    return block_change(level, name, "insufficient_credit", blocked=True, wallet=want.wallet, needed=want.needed)


def lift(customer: Customer, wallet: Wallet) -> list[dict[str, Any]]:
    """**Lift rule** after each entry that raises a wallet's available: wallet block with needed <= available: lifted;
    then, in order of blocking, every sender blocked on that wallet with needed <= available: its block for want of
    credit is lifted; the sender is unblocked unless it is blocked by hand as well.
    """
    lifted = []
    if wallet.block is not None and wallet.block.needed <= wallet.available:
        wallet.block = None
        lifted.append(block_change("wallet", wallet.name, "insufficient_credit", blocked=False, wallet=wallet.name))
    for name in wanting(customer, wallet):
        sender = customer.senders[name]
        if sender.want is not None and sender.want.needed <= wallet.available:
            sender.want = None
            if not sender.manual:
                del customer.senders[name]
            lifted.append(
                block_change(
                    "sender",
                    name,
                    "insufficient_credit",
                    blocked=sender.manual,
                    changed=not sender.manual,
                    manual=sender.manual,
                )
            )
    return lifted
