"""Submissions and extensions: may it go out, and what is held or debited. Leaves outcomes to `outcomes`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ledger_model import blocks, changes, credit, deadlines
from tests.ledger_model.changes import Change
from tests.ledger_model.inputs import Event, Extension, Submission
from tests.ledger_model.state import Charge, Customer, Wallet

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket


def submit(bucket: Bucket, customer: Customer, given: Submission) -> dict[str, Any]:
    """Checked in this order; the first that applies decides."""
    allowed, denied = (None, None) if given.received else ("allowed", "denied")
    wallet = customer.wallets.get(given.wallet)
    charge = bucket.charge(customer, given.charge_key)
    if wallet is None:
        reason = blocks.denial_of(customer) or "unknown_wallet"
        return bucket.entry(given, "denied", reason=reason, decision=denied)
    if not customer.causes and charge is not None and charge.state in ("committed", "released", "expired"):
        return bucket.entry(given, "noted", reason="settled", decision=allowed)
    change = changes.begin(customer, wallet)
    objection = first_objection(bucket, customer, wallet, given, charge)
    if objection == "insufficient_credit" and given.single and not given.received:
        change.blocks += want_of_credit(bucket, customer, wallet, given, given.price)
    if objection is not None:
        return deny(bucket, change, given, charge, objection, denied)
    if given.charge_on == "submit" or given.received:
        return debit_at_once(bucket, change, given, allowed)
    return reserve(bucket, change, given)


def first_objection(
    bucket: Bucket, customer: Customer, wallet: Wallet, given: Submission, charge: Charge | None
) -> str | None:
    """3. customer suspended. 5. a charge of that id is `held`. 6. sender or wallet blocked (received events skip this).
    7. p > available + overdraft limit (or what is held or available would reach 2^53).
    """
    if customer.causes:
        return blocks.denial_of(customer)
    if charge is not None and charge.state == "held":
        return "charge_exists"
    if not given.received and blocks.is_blocked(customer, wallet, given.sender):
        return "blocked"
    if given.price > bucket.spendable(customer, wallet):
        return "insufficient_credit"
    return "amount_out_of_range" if changes.out_of_range(wallet, 0, given.price) else None


def want_of_credit(
    bucket: Bucket, customer: Customer, wallet: Wallet, given: Event, price: int
) -> list[dict[str, Any]]:
    """**Block rule** after a denial of price p, with `needed` = max(p, block level + 1) - overdraft limit."""
    return blocks.block(bucket, customer, wallet, given.sender, max(price, bucket.plan_of(customer).block_level + 1))


def is_remembered(given: Submission) -> bool:
    """A charge is remembered where the event names it, and where an outcome will (by the event's own id)."""
    return given.charge is not None or (given.charge_on != "submit" and not given.received)


def new_charge(bucket: Bucket, given: Submission, state: str) -> Charge:
    """The charge of a submission in its first state."""
    return Charge(
        id=given.charge_key,
        state=state,
        wallet=given.wallet,
        price=given.price,
        charge_on="submit" if given.received else given.charge_on,
        touched_at=bucket.clock,
        fee=given.fee,
        sender=given.sender,
        recipients=dict(given.recipients) if given.recipients is not None else None,
    )


def deny(
    bucket: Bucket, change: Change, given: Submission, charge: Charge | None, reason: str, decision: str | None
) -> dict[str, Any]:
    """Where the charge is remembered, it is so as `denied` with its price; one that is there already stays."""
    shown = None
    if reason != "amount_out_of_range" and is_remembered(given) and (charge is None or charge.state == "denied"):
        denied = new_charge(bucket, given, "denied")
        change.customer.charges[denied.id] = denied
        shown = changes.image(denied) | {"recipients": given.recipients}
    return changes.finish(bucket, change, given, "denied", reason=reason, decision=decision, charge=shown)


def debit_at_once(bucket: Bucket, change: Change, given: Submission, decision: str | None) -> dict[str, Any]:
    """Charge on `submit`: debit p: `debited`, charge `committed` (remembered where a `charge_id` was given)."""
    credit.debit(change.wallet, given.price)
    shown = None
    if is_remembered(given):
        charge = new_charge(bucket, given, "committed")
        charge.committed = given.price
        charge.recipients = None
        change.customer.charges[charge.id] = charge
        shown = changes.image(charge)
    return changes.finish(bucket, change, given, "debited", decision=decision, charge=shown)


def reserve(bucket: Bucket, change: Change, given: Submission) -> dict[str, Any]:
    """Otherwise hold p: `reserved`, charge `held` until the deadline."""
    charge = new_charge(bucket, given, "held")
    charge.parts = credit.hold(change.wallet, given.price)
    charge.deadline = given.deadline
    change.customer.charges[charge.id] = charge
    deadlines.set_hold(bucket, change.customer.name, charge)
    shown = changes.image(charge) | {"recipients": given.recipients}
    return changes.finish(bucket, change, given, "reserved", decision="allowed", charge=shown)


def extend(bucket: Bucket, customer: Customer, given: Extension) -> dict[str, Any]:
    """The checks 1-4 and 6; charge not `held`: denied `unknown_charge`; p > available + overdraft limit: denied
    `insufficient_credit` (block rule); else hold p more, the deadline is set anew: `extended`.
    """
    charge = bucket.charge(customer, given.charge_key)
    wallet = customer.wallets.get(charge.wallet if charge is not None else given.wallet)
    reason: str | None
    if wallet is None:
        reason = blocks.denial_of(customer) or "unknown_wallet"
        return bucket.entry(given, "denied", reason=reason, decision="denied")
    change = changes.begin(customer, wallet)
    if customer.causes:
        reason = blocks.denial_of(customer)
    elif blocks.is_blocked(customer, wallet, given.sender):
        reason = "blocked"
    elif charge is None or charge.state != "held" or charge.recipients is not None:
        reason = "unknown_charge"
    elif given.price > bucket.spendable(customer, wallet):
        reason = "insufficient_credit"
        change.blocks += want_of_credit(bucket, customer, wallet, given, given.price)
    elif changes.out_of_range(wallet, 0, given.price):
        reason = "amount_out_of_range"
    else:
        charge.parts += credit.hold(wallet, given.price)
        charge.price += given.price
        charge.deadline = given.deadline
        charge.touched_at = bucket.clock
        deadlines.set_hold(bucket, customer.name, charge)
        return changes.finish(bucket, change, given, "extended", decision="allowed", charge=changes.image(charge))
    return changes.finish(bucket, change, given, "denied", reason=reason, decision="denied")
