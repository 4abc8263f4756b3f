"""Outcomes: the table of every event against every state of a charge. Leaves how credit moves to `credit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ledger_model import changes, credit, deadlines
from tests.ledger_model.changes import Change
from tests.ledger_model.inputs import CallEnd, Event, Outcome
from tests.ledger_model.state import Charge, Customer

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket

RANK = {"submit": 0, "sent": 1, "delivered": 2}
"""`rank` submit 0 < sent 1 < delivered 2."""
FAILURES = ("failed", "cancelled", "expired")


def outcome(bucket: Bucket, customer: Customer, given: Outcome) -> dict[str, Any]:
    """Outcomes (`sent`, `delivered`, `failed`, `cancelled`, `expired`), in the charge's wallet."""
    charge = bucket.charge(customer, given.charge_key)
    wallet = customer.wallets.get(charge.wallet if charge is not None else given.wallet)
    if wallet is None:
        return bucket.entry(given, "noted", reason="unknown_wallet")
    change = changes.begin(customer, wallet)
    if charge is None:
        return of_no_charge(bucket, change, given)
    if charge.state == "held":
        return of_held(bucket, change, given, charge)
    if charge.state == "committed":
        return of_committed(bucket, change, given, charge)
    return of_released(bucket, change, given, charge)


def note(bucket: Bucket, change: Change, given: Event, reason: str | None) -> dict[str, Any]:
    """`noted`: nothing moves."""
    return changes.finish(bucket, change, given, "noted", reason=reason)


def out_of_range(change: Change, charge: Charge, price: int, freed: int) -> bool:
    """Nothing may take the wallet's figures, or what a charge has committed, to 2^53."""
    return changes.out_of_range(change.wallet, -price, -freed) or charge.committed + price >= changes.LIMIT


def of_no_charge(bucket: Bucket, change: Change, given: Outcome) -> dict[str, Any]:
    """Charge none: with a price: debit: `debited`, reason `late`, charge `committed`; without: `noted`, reason
    `unknown_charge` | lower rank: `noted`, reason `unknown_charge` | failed, cancelled, expired: `noted`, reason
    `unknown_charge`; charge `released` with price 0.
    """
    if given.moment in FAILURES:
        charge = Charge(given.charge_key, "released", change.wallet.name, 0, given.charge_on, bucket.clock)
        change.customer.charges[charge.id] = charge
        shown = changes.image(charge)
        return changes.finish(bucket, change, given, "noted", reason="unknown_charge", charge=shown)
    return charge_own_price(bucket, change, given, None)


def charge_own_price(bucket: Bucket, change: Change, given: Outcome, charge: Charge | None) -> dict[str, Any]:
    """Charged with the event's own price at the moment that this price falls due, or `noted` `unknown_charge`."""
    if RANK[given.moment] < RANK[given.charge_on] or given.price is None:
        return note(bucket, change, given, "unknown_charge")
    if charge is None:
        charge = Charge(given.charge_key, "released", change.wallet.name, given.price, given.charge_on, bucket.clock)
    return debit_late(bucket, change, given, charge, given.price, own_price=True)


def debit_late(
    bucket: Bucket,
    change: Change,
    given: Event,
    charge: Charge,
    price: int,
    *,
    told_price: int | None = None,
    own_price: bool = False,
) -> dict[str, Any]:
    """Debit: `debited`, reason `late`; charge `committed`."""
    if out_of_range(change, charge, price, 0):
        return note(bucket, change, given, "amount_out_of_range")
    credit.debit(change.wallet, price)
    charge.committed += price
    settled = settle_all(charge)
    told = {"reason": "late", "price": None if settled else told_price, "own_price": own_price}
    return keep(bucket, change, given, charge, "debited", settled, **told)


def settle_all(charge: Charge) -> list[str]:
    """The charge is `committed`, with all its recipients; which they were."""
    charge.state = "committed"
    settled = sorted(charge.recipients or {})
    if charge.recipients is not None:
        charge.recipients = {}
    return settled


def keep(
    bucket: Bucket, change: Change, given: Event, charge: Charge, kind: str, settled: list[str], **fields: Any
) -> dict[str, Any]:
    """Finish an entry that changed a charge. A charge that is settled has no deadline to meet."""
    charge.touched_at = bucket.clock
    change.customer.charges[charge.id] = charge
    if charge.state != "held":
        charge.deadline = 0
        bucket.timers.pop(deadlines.hold_name(change.customer.name, charge), None)
    shown = changes.image(charge) | {"settled": settled}
    return changes.finish(bucket, change, given, kind, charge=shown, **fields)


def of_committed(bucket: Bucket, change: Change, given: Outcome, charge: Charge) -> dict[str, Any]:
    """Charge committed: `noted`, reason `settled` | lower rank: `noted` | `noted`, reason `settled`."""
    lower = given.moment not in FAILURES and RANK[given.moment] < RANK[charge.charge_on]
    return note(bucket, change, given, None if lower else "settled")


def of_released(bucket: Bucket, change: Change, given: Outcome, charge: Charge) -> dict[str, Any]:
    """Charge released, expired, denied: debit the agreed price: `debited`, reason `late`; charge `committed` | lower
    rank: `noted` | failed, cancelled, expired: `noted`, reason `settled`.

    A `released` charge with price 0 that a late `sent` meets is charged with the event's own price.
    """
    if given.moment in FAILURES:
        return note(bucket, change, given, "settled")
    if charge.state == "released" and charge.price == 0 and charge.recipients is None:
        return charge_own_price(bucket, change, given, charge)
    if RANK[given.moment] < RANK[charge.charge_on]:
        return note(bucket, change, given, None)
    if charge.recipients is not None:
        return recipients_late(bucket, change, given, charge)
    return debit_late(bucket, change, given, charge, charge.price)


def recipients_late(bucket: Bucket, change: Change, given: Outcome, charge: Charge) -> dict[str, Any]:
    """Of several recipients each is charged late by itself, all that are left where the outcome names none; the charge
    is `committed` when the last is settled.
    """
    recipients = charge.recipients or {}
    if given.to is None and recipients:
        return debit_late(bucket, change, given, charge, sum(recipients.values()))
    if given.to not in recipients:
        return note(bucket, change, given, "settled")
    price = recipients[given.to]
    if out_of_range(change, charge, price, 0):
        return note(bucket, change, given, "amount_out_of_range")
    credit.debit(change.wallet, price)
    charge.committed += price
    del recipients[given.to]
    if not recipients:
        charge.state = "committed"
    return keep(bucket, change, given, charge, "debited", [given.to], reason="late")


def of_held(bucket: Bucket, change: Change, given: Outcome, charge: Charge) -> dict[str, Any]:
    """Charge held: commit: the price of the recipient `to` where there are several, else the actual price if the event
    gives `segments`, else all that is held | lower rank: `noted` | release (of `to`, or all), `failed` keeps the fee.
    """
    failed = given.moment in FAILURES
    if not failed and RANK[given.moment] < RANK[charge.charge_on]:
        return note(bucket, change, given, None)
    fee = charge.fee if given.moment == "failed" else 0
    if charge.recipients is not None and given.to is not None:
        return settle_recipient(bucket, change, given, charge, fee if failed else None)
    if failed:
        return settle(bucket, change, given, charge, fee, "committed" if fee > 0 else "released")
    if given.actual and given.price is not None and charge.recipients is None:
        return settle(bucket, change, given, charge, given.price, "committed", own_price=True)
    return settle(bucket, change, given, charge, charge.held, "committed")


def settle(
    bucket: Bucket,
    change: Change,
    given: Event,
    charge: Charge,
    amount: int,
    state: str,
    *,
    own_price: bool = False,
    **told: Any,
) -> dict[str, Any]:
    """More than held: the excess is debited; less: the rest is released."""
    price = amount
    if out_of_range(change, charge, price, charge.held):
        return note(bucket, change, given, "amount_out_of_range")
    take_from_hold(change, charge, price, charge.held)
    charge.state = state
    settled = settle_all(charge) if state == "committed" else []
    told = {"own_price": own_price, **({} if settled else told)}
    return keep(bucket, change, given, charge, state, settled, **told)


def take_from_hold(change: Change, charge: Charge, price: int, share: int) -> None:
    """Charge `price` to a share of what is held: consumed from the first parts, the rest of the share is released from
    the last ones, so that what comes first in the order of use is spent first; an excess is debited.
    """
    used, rest = credit.split_parts(charge.parts, min(price, share))
    kept = charge.held - share
    charge.parts, freed = credit.split_parts(rest, kept)
    credit.consume(change.wallet, used)
    credit.debit(change.wallet, max(0, price - share))
    credit.release(change.wallet, freed)
    charge.committed += price


def settle_recipient(bucket: Bucket, change: Change, given: Outcome, charge: Charge, fee: int | None) -> dict[str, Any]:
    """A recipient that is not (any more) among them: `noted`, reason `settled`. The charge is `committed` with its last
    recipient, whatever that came to.
    """
    recipients = charge.recipients or {}
    if given.to not in recipients:
        return note(bucket, change, given, "settled")
    share = recipients[given.to]
    price = share if fee is None else fee
    if out_of_range(change, charge, price, share):
        return note(bucket, change, given, "amount_out_of_range")
    del recipients[given.to]
    take_from_hold(change, charge, price, share)
    if not recipients:
        charge.state = "committed"
    kind = "committed" if fee is None or fee > 0 else "released"
    return keep(bucket, change, given, charge, kind, [given.to])


def end_call(bucket: Bucket, customer: Customer, given: CallEnd) -> dict[str, Any]:
    """`voice.ended`, p = price of the seconds used, by the terms of the call where it has them: held: commit p (excess
    debited, rest released); committed: `noted`; otherwise debit p: `debited`, reason `late`. Without a price: all that
    is held, else `noted` `unknown_charge`.
    """
    charge = bucket.charge(customer, given.charge_key)
    wallet = customer.wallets.get(charge.wallet if charge is not None else given.wallet)
    if wallet is None:
        return bucket.entry(given, "noted", reason="unknown_wallet")
    change = changes.begin(customer, wallet)
    if charge is not None and charge.state == "committed":
        return note(bucket, change, given, "settled")
    price = given.price if charge is None or charge.call is None else charge.call.price(given.seconds)
    own = charge is None or charge.call is None
    if charge is not None and charge.state == "held":
        price = charge.held if price is None else price
        return settle(bucket, change, given, charge, price, "committed", own_price=own, price=price)
    if price is None:
        return note(bucket, change, given, "unknown_charge")
    if charge is None:
        charge = Charge(given.charge_key, "released", wallet.name, price, "sent", bucket.clock)
    return debit_late(bucket, change, given, charge, price, told_price=price, own_price=own)
