"""Customers marked for spam: what they forfeit, and what they are given back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.ledger_model import blocks, changes, lots, sweeps
from tests.ledger_model.credit import lots_in_order
from tests.ledger_model.plan_state import Sweep
from tests.ledger_model.spam_inputs import MarkSpam, UnmarkSpam
from tests.ledger_model.state import Customer

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket


def mark(bucket: Bucket, customer: Customer, given: MarkSpam) -> dict[str, Any]:
    """Refused `already` where it is marked and nothing is free. Blocked `spam`, all free credit gone: `forfeited`."""
    main = changes.begin(customer, customer.wallets["main"])
    goes_on = "spam" in customer.sweeps
    others = sweeps.begin(bucket, main, "spam", Sweep(on=True))
    is_changed = goes_on or "spam" in customer.sweeps or others or changes.lots_changed(main)
    if "spam" in customer.causes and not is_changed:
        return bucket.entry(given, "refused", reason="already")
    main.blocks += blocks.change_customer(bucket, customer, "spam", sets=True)
    return changes.finish(bucket, main, given, "forfeited", *others, reason="spam", settings=customer.settings)


def unmark(bucket: Bucket, customer: Customer, given: UnmarkSpam) -> dict[str, Any]:
    """Refused `not_spam`. What was forfeited comes back, with kinds and expiries."""
    if "spam" not in customer.causes:
        return bucket.entry(given, "refused", reason="not_spam")
    main = changes.begin(customer, customer.wallets["main"])
    main.blocks += blocks.change_customer(bucket, customer, "spam", sets=False)
    others = sweeps.begin(bucket, main, "spam", Sweep(on=False))
    return changes.finish(bucket, main, given, "given_back", *others, reason="spam", settings=customer.settings)


def forfeit(customer: Customer, change: changes.Change) -> None:
    """All that is free."""
    for lot in lots_in_order(change.wallet):
        if lot.free:
            taken = replace(lot, remaining=lot.free, held=0)
            customer.forfeited.setdefault(change.wallet.name, []).append(taken)
            lot.remaining = lot.held


def give_back(bucket: Bucket, customer: Customer, change: changes.Change) -> None:
    """What was forfeited of the wallet; where it would leave the range it stays forfeited."""
    wallet = change.wallet
    forfeited = customer.forfeited.get(wallet.name, [])
    if changes.out_of_range(wallet, sum(lot.remaining for lot in forfeited)):
        return
    customer.forfeited.pop(wallet.name, None)
    for lot in forfeited:
        lots.add_credit(
            bucket,
            wallet,
            lot.remaining,
            lot.kind,
            lot.expires_at,
            transferable=lot.transferable,
            notice_at=lot.notice_at,
        )


def act_of(bucket: Bucket, customer: Customer, sweep: Sweep) -> sweeps.Act:
    """What is done to each wallet."""
    if sweep.on:
        return lambda change: forfeit(customer, change)
    return lambda change: give_back(bucket, customer, change)


sweeps.ACTS["spam"] = act_of
RULES: dict[type, Callable[[Bucket, Customer, Any], dict[str, Any]]] = {MarkSpam: mark, UnmarkSpam: unmark}
