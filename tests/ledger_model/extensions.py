"""More seconds of a call that is held. Leaves its beginning to `charges` and its end to `outcomes`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.ledger_model import blocks, changes, credit, deadlines, limits, wallets
from tests.ledger_model.inputs import Extension
from tests.ledger_model.state import Charge, Customer, Wallet

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket


def price_of(given: Extension, charge: Charge | None) -> int | None:
    """By the terms of the call where its charge has them: what is to be held for all its seconds, less what is agreed;
    else the event's own price.
    """
    if charge is None or charge.call is None:
        return given.price
    return max(0, charge.call.reserved(charge.call.seconds + given.seconds) - charge.price)


def extend(bucket: Bucket, customer: Customer, given: Extension) -> dict[str, Any]:
    """The checks 1-4 and 6; charge not `held`: denied `unknown_charge`; no price: `unpriced`; p > available + overdraft
    limit: the part that is covered where the plan grants it, else denied `insufficient_credit` (block rule); else hold
    p more, the deadline is set anew: `extended`.
    """
    charge = bucket.charge(customer, given.charge_key)
    wallet = customer.wallets.get(charge.wallet if charge is not None else given.wallet)
    if wallet is None:
        reason = blocks.denial_of(customer) or "unknown_wallet"
        return bucket.entry(given, "denied", reason=reason, decision="denied")
    change = changes.begin(customer, wallet)
    price, seconds, granted = price_of(given, charge), given.seconds, None
    own = charge is None or charge.call is None
    objection = first_objection(customer, wallet, given, charge, price)
    if objection is None and charge is not None and price is not None and price > bucket.spendable(customer, wallet):
        part, cost = covered(bucket, customer, wallet, given, charge)
        if part:
            granted = {"of": "seconds", "count": part, "asked": seconds}
            seconds, price = part, cost
        else:
            objection = limits.shortage(customer, wallet, given)
            change.blocks += blocks.block(bucket, customer, wallet, given.sender, price)
    if objection is not None or charge is None or price is None:
        refused: dict[str, Any] = {"reason": objection, "decision": "denied", "price": price}
        return changes.finish(bucket, change, given, "denied", own_price=own, **refused)
    if changes.out_of_range(wallet, 0, price) or charge.price + price >= changes.LIMIT:
        objection = "amount_out_of_range"
    else:
        objection = limits.objection(bucket, change, given, charge, price, blocks_sender=True)
    if objection is not None:
        denied: dict[str, Any] = {"reason": objection, "decision": "denied", "price": price, "granted": granted}
        return changes.finish(bucket, change, given, "denied", own_price=own, **denied)
    charge.parts += credit.hold(wallet, price)
    charge.price += price
    if charge.call is not None:
        charge.call = replace(charge.call, seconds=charge.call.seconds + seconds)
    charge.deadline = given.deadline
    charge.touched_at = bucket.clock
    deadlines.set_hold(bucket, customer.name, charge)
    told = {"charge": changes.image(charge), "price": price, "granted": granted}
    return changes.finish(bucket, change, given, "extended", own_price=own, decision="allowed", **told)


def first_objection(
    customer: Customer, wallet: Wallet, given: Extension, charge: Charge | None, price: int | None
) -> str | None:
    """What holds it back before credit is looked at."""
    if customer.causes:
        return blocks.denial_of(customer)
    if (unusable := wallets.objection(wallet)) is not None:
        return unusable
    if blocks.is_blocked(customer, wallet, given.sender):
        return "blocked"
    if charge is None or charge.state != "held" or charge.recipients is not None:
        return "unknown_charge"
    return "unpriced" if price is None else None


def covered(bucket: Bucket, customer: Customer, wallet: Wallet, given: Extension, charge: Charge) -> tuple[int, int]:
    """The seconds that credit covers, and their price, where the plan grants them."""
    if charge.call is None or not bucket.plan_of(customer).call_part:
        return 0, 0
    return charge.call.covered(given.seconds, charge.price, bucket.spendable(customer, wallet))
