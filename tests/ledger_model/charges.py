"""Submissions and extensions: may it go out, and what is held or debited. Leaves outcomes to `outcomes`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.ledger_model import blocks, changes, counters, credit, deadlines, drafts, limits, received, wallets
from tests.ledger_model.changes import Change
from tests.ledger_model.inputs import Submission
from tests.ledger_model.plan_state import Plan
from tests.ledger_model.state import Charge, Customer, Wallet

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket


def submit(bucket: Bucket, customer: Customer, given: Submission) -> dict[str, Any]:
    """Checked in this order; the first that applies decides."""
    if given.received or given.draft:
        return (received.receive if given.received else drafts.check)(bucket, customer, given)
    wallet = customer.wallets.get(given.wallet)
    charge = bucket.charge(customer, given.charge_key)
    if wallet is None:
        reason = blocks.denial_of(customer) or "unknown_wallet"
        return bucket.entry(given, "denied", reason=reason, decision="denied")
    usable = not customer.causes and wallets.objection(wallet) is None
    if usable and charge is not None and charge.state in ("committed", "released", "expired"):
        return bucket.entry(given, "noted", reason="settled", decision="allowed")
    change = changes.begin(customer, wallet)
    objection = first_objection(customer, wallet, given, charge)
    granted = None
    if objection is None and given.price > bucket.spendable(customer, wallet, scheduled=given.scheduled):
        given, granted = in_part(bucket, customer, wallet, given)
        if granted is None:
            objection = limits.shortage(customer, wallet, given)
            if blocks_when_short(bucket.plan_of(customer), given):
                change.blocks += blocks.block(bucket, customer, wallet, given.sender, given.price)
    objection = objection or last_objection(bucket, change, given)
    if objection is not None:
        return deny(bucket, change, given, charge, objection)
    if given.charge_on == "submit":
        return debit_at_once(bucket, change, given, granted)
    return reserve(bucket, change, given, granted)


def in_part(
    bucket: Bucket, customer: Customer, wallet: Wallet, given: Submission
) -> tuple[Submission, dict[str, Any] | None]:
    """What is granted of a submission that credit does not cover, where the plan grants parts; else as it was."""
    seconds, cost = covered_seconds(bucket, customer, wallet, given)
    if seconds and given.call is not None:
        granted = {"of": "seconds", "count": seconds, "asked": given.call.seconds}
        return replace(given, price=cost, call=replace(given.call, seconds=seconds)), granted
    part = covered_part(bucket, customer, wallet, given)
    if part:
        granted = {"of": "recipients", "count": len(part), "asked": len(given.recipients or {})}
        return counters.priced(bucket, customer, replace(given, recipients=part, price=sum(part.values()))), granted
    return given, None


def last_objection(bucket: Bucket, change: Change, given: Submission) -> str | None:
    """What holds it back although credit covers it."""
    if changes.out_of_range(change.wallet, 0, given.price):
        return "amount_out_of_range"
    return limits.objection(bucket, change, given, None, given.price, blocks_sender=given.single)


def first_objection(customer: Customer, wallet: Wallet, given: Submission, charge: Charge | None) -> str | None:
    """3. customer blocked. 4. wallet frozen or closed. 5. a charge of that id is held. 6. sender or wallet blocked."""
    if customer.causes:
        return blocks.denial_of(customer)
    if (unusable := wallets.objection(wallet)) is not None:
        return unusable
    if charge is not None and charge.state == "held":
        return "charge_exists"
    return "blocked" if blocks.is_blocked(customer, wallet, given.sender) else None


def covered_part(bucket: Bucket, customer: Customer, wallet: Wallet, given: Submission) -> dict[str, int]:
    """The first recipients, in their order, that credit covers; none where the plan does not grant parts. A scheduled
    message is granted in part where the plan lets scheduled messages go until the flag, and only there.
    """
    plan = bucket.plan_of(customer)
    if not given.recipients or not (plan.send_until_flag if given.scheduled else plan.covered_part):
        return {}
    left = bucket.spendable(customer, wallet, scheduled=given.scheduled)
    part = {}
    for recipient, price in given.recipients.items():
        if price > left:
            break
        left -= price
        part[recipient] = price
    return part


def covered_seconds(bucket: Bucket, customer: Customer, wallet: Wallet, given: Submission) -> tuple[int, int]:
    """The first seconds of a call that credit covers, and their price, where the plan grants them."""
    if given.call is None or given.scheduled or not bucket.plan_of(customer).call_part:
        return 0, 0
    return replace(given.call, seconds=0).covered(given.call.seconds, 0, bucket.spendable(customer, wallet))


def blocks_when_short(plan: Plan, given: Submission) -> bool:
    """Only single charges block, and scheduled ones only where they go until the flag."""
    return given.single and (plan.send_until_flag or not given.scheduled)


def is_remembered(given: Submission) -> bool:
    """A charge is remembered where the event names it, and where an outcome will (by the event's own id)."""
    return given.charge is not None or given.charge_on != "submit"


def new_charge(bucket: Bucket, given: Submission, state: str) -> Charge:
    """The charge of a submission in its first state."""
    return Charge(
        id=given.charge_key,
        state=state,
        wallet=given.wallet,
        price=given.price,
        charge_on=given.charge_on,
        touched_at=bucket.clock,
        fee=given.fee,
        sender=given.sender,
        recipients=dict(given.recipients) if given.recipients is not None else None,
        call=given.call,
    )


def deny(bucket: Bucket, change: Change, given: Submission, charge: Charge | None, reason: str) -> dict[str, Any]:
    """Where the charge is remembered, it is so as `denied` with its price; one that is there already stays."""
    shown = None
    if reason != "amount_out_of_range" and is_remembered(given) and (charge is None or charge.state == "denied"):
        denied = new_charge(bucket, given, "denied")
        change.customer.charges[denied.id] = denied
        shown = changes.image(denied) | {"recipients": given.recipients}
    return changes.finish(
        bucket, change, given, "denied", own_price=True, reason=reason, decision="denied", charge=shown
    )


def debit_at_once(bucket: Bucket, change: Change, given: Submission, granted: dict[str, Any] | None) -> dict[str, Any]:
    """Charge on `submit`: debit p: `debited`, charge `committed` (remembered where a `charge_id` was given)."""
    credit.debit(change.wallet, given.price)
    shown = None
    if is_remembered(given):
        charge = new_charge(bucket, given, "committed")
        charge.committed = given.price
        charge.recipients = None
        change.customer.charges[charge.id] = charge
        shown = changes.image(charge)
    told = {"decision": "allowed", "charge": shown, "granted": granted}
    return changes.finish(bucket, change, given, "debited", own_price=True, **told)


def reserve(bucket: Bucket, change: Change, given: Submission, granted: dict[str, Any] | None) -> dict[str, Any]:
    """Otherwise hold p: `reserved`, charge `held` until the deadline."""
    charge = new_charge(bucket, given, "held")
    charge.parts = credit.hold(change.wallet, given.price)
    charge.deadline = given.deadline
    change.customer.charges[charge.id] = charge
    deadlines.set_hold(bucket, change.customer.name, charge)
    shown = changes.image(charge) | {"recipients": given.recipients}
    told = {"decision": "allowed", "charge": shown, "granted": granted}
    return changes.finish(bucket, change, given, "reserved", own_price=True, **told)
