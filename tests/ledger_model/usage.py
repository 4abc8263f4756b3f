"""What has already happened, corrections, and what the rating refuses. Leaves charges to their own modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ledger_model import blocks, changes, credit, lots
from tests.ledger_model.inputs import Adjustment, Recorded, Unpriced
from tests.ledger_model.state import Customer

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket


def refuse(bucket: Bucket, customer: Customer, given: Unpriced) -> dict[str, Any]:
    """Refused by rating: denied with it."""
    return bucket.entry(given, "denied", reason=given.reason, decision="denied" if given.asked else None)


def impossible(customer: Customer, wallet_name: str, amount: int) -> str | None:
    """Why money cannot be moved in that wallet: it is not there, or its balance would reach 2^53."""
    wallet = customer.wallets.get(wallet_name)
    if wallet is None:
        return "unknown_wallet"
    return "amount_out_of_range" if changes.out_of_range(wallet, amount) else None


def record(bucket: Bucket, customer: Customer, given: Recorded) -> dict[str, Any]:
    """**`usage.recorded`**: debit p whatever is available: `debited`; beyond available + overdraft limit: reason
    `overdrawn`, and the block rule runs for nothing more than to go on. Suspension and blocks do not hold it back.
    """
    reason = impossible(customer, given.wallet, -given.price)
    if reason is not None:
        return bucket.entry(given, "denied", reason=reason)
    wallet = customer.wallets[given.wallet]
    change = changes.begin(customer, wallet)
    beyond = given.price > bucket.spendable(customer, wallet)
    credit.debit(wallet, given.price)
    if beyond:
        change.blocks += blocks.block(bucket, customer, wallet, given.sender, 1)
    reason = "overdrawn" if beyond else None
    return changes.finish(bucket, change, given, "debited", own_price=True, reason=reason)


def adjust_charge(bucket: Bucket, customer: Customer, given: Adjustment) -> dict[str, Any]:
    """**`charge.adjusted`**, amount a: a > 0 debit a; a < 0 credit -a as a lot of kind `fro`: `adjusted`, in the wallet
    of the charge that it names (known or not; `unknown_charge` as reason if not).
    """
    charge = bucket.charge(customer, given.charge_key)
    name = charge.wallet if charge is not None else given.wallet
    reason = impossible(customer, name, -given.amount)
    if reason is not None:
        return bucket.entry(given, "denied", reason=reason)
    wallet = customer.wallets[name]
    change = changes.begin(customer, wallet)
    if given.amount > 0:
        credit.debit(wallet, given.amount)
    elif given.amount < 0:
        lots.add_credit(bucket, wallet, -given.amount, "fro", None)
    reason = None if charge is not None else "unknown_charge"
    return changes.finish(bucket, change, given, "adjusted", reason=reason)
