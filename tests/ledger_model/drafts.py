"""Drafts: what they would cost, and whether that is there. Leaves what is really sent to `charges`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ledger_model import blocks, changes, limits, wallets
from tests.ledger_model.inputs import Submission
from tests.ledger_model.state import Customer

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket


def check(bucket: Bucket, customer: Customer, given: Submission) -> dict[str, Any]:
    """Denied as a submission is by 1-4, and `account_locked`. Nothing is held, nobody blocked, no charge remembered:
    `noted`, allowed; where credit is missing with reason `insufficient_credit` and `credit.short`, or `denied` so.
    """
    wallet = customer.wallets.get(given.wallet)
    if wallet is None:
        unknown = blocks.denial_of(customer) or "unknown_wallet"
        return bucket.entry(given, "denied", reason=unknown, decision="denied")
    change = changes.begin(customer, wallet)
    plan = bucket.plan_of(customer)
    reason = blocks.denial_of(customer) or wallets.objection(wallet)
    if reason is None and plan.all_features and wallet.block is not None:
        reason = "account_locked"
    if reason is not None:
        return changes.finish(bucket, change, given, "denied", own_price=True, reason=reason, decision="denied")
    covered = bucket.spendable(customer, wallet, scheduled=given.scheduled)
    reason = limits.shortage(customer, wallet, given) if given.price > covered else "limit_reached"
    covered = min(covered, limits.left_for_user(bucket, customer, wallet, given, covered))
    if given.price <= covered:
        return changes.finish(bucket, change, given, "noted", own_price=True, decision="allowed")
    missing = min(given.price - covered, 2**53 - 1)
    change.alerts.append({"type": "credit.short", "rule": "", "level": missing, "user": ""})
    granted = {"of": "credit", "count": covered, "asked": given.price}
    kind, decision = ("denied", "denied") if plan.refuses_drafts else ("noted", "allowed")
    return changes.finish(
        bucket, change, given, kind, own_price=True, reason=reason, decision=decision, granted=granted
    )
