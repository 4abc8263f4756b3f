"""Blocks as sets of causes, and want of credit, which sets and lifts them. Leaves those set by hand to `commands`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ledger_model.state import Block, Customer, Wallet

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket

SENDERS_BLOCKED_MAX = 256
"""More senders of one wallet than that: the wallet is blocked instead."""
WANT = "insufficient_credit"
BELOW = "below_level"


def told(level: str, name: str, reason: str, block: Block | None, *, changed: bool) -> dict[str, Any]:
    """A cause that came or went, as an entry shows it: with the block after it."""
    return {
        "level": level,
        "id": name,
        "reason": reason,
        "causes": [] if block is None else block.in_order,
        "wallet": "" if block is None else block.wallet,
        "needed": 0 if block is None else block.needed,
        "until": 0 if block is None else block.until,
        "since": 0 if block is None else block.since,
        "since_seq": 0 if block is None else block.since_seq,
        "blocked": block is not None,
        "changed": changed,
    }


def denial_of(customer: Customer) -> str | None:
    """Why a customer that is blocked as a whole is denied: `suspended`, else `spam`, else `no_plan`."""
    return next((cause for cause in ("suspended", "spam", "no_plan") if cause in customer.causes), None)


def is_blocked(customer: Customer, wallet: Wallet, sender: str | None) -> bool:
    """Sender or wallet blocked."""
    return wallet.block is not None or sender in customer.senders


def wanting(customer: Customer, wallet: Wallet) -> list[str]:
    """The senders blocked for want of credit in that wallet, in order of blocking."""
    found = [(block.since_seq, name) for name, block in customer.senders.items() if block.wallet == wallet.name]
    return [name for _, name in sorted(found)]


def add_to_wallet(bucket: Bucket, wallet: Wallet, cause: str, needed: int | None = None) -> list[dict[str, Any]]:
    """A cause comes to a wallet; nothing where it is there already. A block begins with its first cause."""
    if wallet.block is not None and cause in wallet.block.causes:
        return []
    changed = wallet.block is None
    wallet.block = grow(bucket, wallet.block, cause, wallet.name, needed)
    return [told("wallet", wallet.name, cause, wallet.block, changed=changed)]


def add_to_sender(
    bucket: Bucket, customer: Customer, sender: str, cause: str, wallet: str = "", needed: int | None = None
) -> list[dict[str, Any]]:
    """The same of a sender."""
    known = customer.senders.get(sender)
    if known is not None and cause in known.causes:
        return []
    block = customer.senders[sender] = grow(bucket, known, cause, wallet, needed)
    return [told("sender", sender, cause, block, changed=known is None)]


def grow(bucket: Bucket, block: Block | None, cause: str, wallet: str, needed: int | None) -> Block:
    """The block with one more cause."""
    if block is None:
        block = Block(bucket.clock, bucket.seq + 1)
    block.causes.add(cause)
    if needed is not None:
        # Want of credit and the lock share one figure: the greater, since both must be over.
        block.needed = needed if block.wallet == "" else max(block.needed, needed)
        block.wallet, block.since_seq = wallet, bucket.seq + 1
    return block


def shrink(block: Block, cause: str) -> Block | None:
    """The block without that cause; none when it was the last."""
    block.causes.discard(cause)
    if not block.causes & {WANT, BELOW}:
        block.wallet, block.needed = "", 0
    return block if block.causes else None


def take_from_wallet(wallet: Wallet, cause: str) -> list[dict[str, Any]]:
    """A cause leaves a wallet. A block ends with its last cause."""
    if wallet.block is None or cause not in wallet.block.causes:
        return []
    wallet.block = shrink(wallet.block, cause)
    return [told("wallet", wallet.name, cause, wallet.block, changed=wallet.block is None)]


def change_customer(bucket: Bucket, customer: Customer, cause: str, *, sets: bool) -> list[dict[str, Any]]:
    """Put a cause on a customer as a whole, or take it off; nothing where it is so already."""
    if (cause in customer.causes) == sets:
        return []
    was_blocked = bool(customer.causes)
    customer.causes ^= {cause}
    stands = Block(bucket.clock, bucket.seq + 1, customer.causes) if customer.causes else None
    return [told("customer", customer.name, cause, stands, changed=was_blocked != bool(customer.causes))]


def block(bucket: Bucket, customer: Customer, wallet: Wallet, sender: str | None, price: int) -> list[dict[str, Any]]:
    """**Block rule** after a denial of `price`: available + overdraft <= 0: the **wallet** is blocked; else, if the
    event has a sender, the **sender** is blocked (more than 256 senders of one wallet: the wallet). Already blocked:
    nothing. needed = max(price, 1) - overdraft; the overdraft of scheduled messages does not count.
    """
    spendable = bucket.spendable(customer, wallet)
    needed = max(price, 1) - (spendable - wallet.available)
    crowded = sender is not None and len(wanting(customer, wallet)) >= SENDERS_BLOCKED_MAX
    if spendable <= 0 or crowded:
        return add_to_wallet(bucket, wallet, WANT, needed)
    return [] if sender is None else add_to_sender(bucket, customer, sender, WANT, wallet.name, needed)


def lock(bucket: Bucket, wallet: Wallet) -> list[dict[str, Any]]:
    """A wallet is blocked while less is available than the level of a rule that locks."""
    level = max((rule.level for rule in wallet.rules if rule.locks), default=None)
    if level is not None and wallet.available < level:
        return add_to_wallet(bucket, wallet, BELOW, level)
    return take_from_wallet(wallet, BELOW)


def lift(customer: Customer, wallet: Wallet) -> list[dict[str, Any]]:
    """**Lift rule** after each entry that raises a wallet's available: wallet block with needed <= available: lifted;
    then, in order of blocking, every sender blocked on that wallet with needed <= available: its want of credit is
    over; it is unblocked unless something else blocks it as well.
    """
    lifted = []
    if wallet.block is not None and wallet.block.needed <= wallet.available:
        lifted += take_from_wallet(wallet, WANT)
    return lifted + lift_senders(customer, wallet, wallet.available)


def lift_senders(customer: Customer, wallet: Wallet, available: int | None) -> list[dict[str, Any]]:
    """The senders blocked for want of credit there, in order of blocking; all of them where `available` is None."""
    lifted = []
    for name in wanting(customer, wallet):
        sender = customer.senders[name]
        if available is None or sender.needed <= available:
            left = shrink(sender, WANT)
            if left is None:
                del customer.senders[name]
            lifted.append(told("sender", name, WANT, left, changed=left is None))
    return lifted
