"""What comes in: debited at once, never blocks, gets no decision. Leaves what goes out to `charges`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ledger_model import blocks, changes, credit, limits, wallets
from tests.ledger_model.inputs import Submission
from tests.ledger_model.state import Customer

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket


def receive(bucket: Bucket, customer: Customer, given: Submission) -> dict[str, Any]:
    """1. customer blocked as a whole, wallet unknown, frozen or closed. 2. `account_locked`: it costs credit, the
    wallet is blocked, and the plan locks all features. 3. Not covered: by policy debited all the same (`overdrawn`),
    denied, or (a message or call itself) accepted and not charged: `noted`. Else `debited`.
    """
    wallet = customer.wallets.get(given.wallet)
    if wallet is None:
        return bucket.entry(given, "denied", reason=blocks.denial_of(customer) or "unknown_wallet")
    change = changes.begin(customer, wallet)
    if (reason := blocks.denial_of(customer) or wallets.objection(wallet)) is not None:
        return changes.finish(bucket, change, given, "denied", own_price=True, reason=reason)
    plan = bucket.plan_of(customer)
    if plan.all_features and wallet.block is not None and given.price > 0:
        reason = "account_locked"
    elif changes.out_of_range(wallet, -given.price):
        reason = "amount_out_of_range"
    if reason is not None:
        return changes.finish(bucket, change, given, "denied", own_price=True, reason=reason)
    is_short = given.price > 0 and given.price > bucket.spendable(customer, wallet)
    if is_short and plan.inbound_when_empty != "forward_into_negative":
        is_denied = given.feature or plan.inbound_when_empty == "refuse"
        kind = "denied" if is_denied else "noted"
        reason = limits.shortage(customer, wallet, given) if is_denied else "insufficient_credit"
        return changes.finish(bucket, change, given, kind, own_price=True, reason=reason)
    if given.price > 0 and limits.objection(bucket, change, given, None, given.price, blocks_sender=False):
        return changes.finish(bucket, change, given, "denied", own_price=True, reason="limit_reached")
    credit.debit(wallet, given.price)
    return changes.finish(bucket, change, given, "debited", own_price=True, reason="overdrawn" if is_short else None)
