"""Customers marked for spam: what they forfeit, and what they are given back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.ledger_model import blocks, changes, lots
from tests.ledger_model.credit import lots_in_order
from tests.ledger_model.plans import in_byte_order
from tests.ledger_model.spam_inputs import MarkSpam, UnmarkSpam
from tests.ledger_model.state import Customer

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket


def mark(bucket: Bucket, customer: Customer, given: MarkSpam) -> dict[str, Any]:
    """Refused `already` where it is marked and nothing is free. Blocked `spam`, all free credit gone: `forfeited`."""
    taken = {name: changes.begin(customer, wallet) for name, wallet in customer.wallets.items()}
    is_any_free = any(lot.free for wallet in customer.wallets.values() for lot in wallet.lots)
    if "spam" in customer.causes and not is_any_free:
        return bucket.entry(given, "refused", reason="already")
    for wallet in customer.wallets.values():
        for lot in lots_in_order(wallet):
            if lot.free:
                customer.forfeited.setdefault(wallet.name, []).append(replace(lot, remaining=lot.free, held=0))
                lot.remaining = lot.held
    main = taken.pop("main")
    main.blocks += blocks.change_customer(bucket, customer, "spam", sets=True)
    others = [change for _, change in in_byte_order(taken) if changes.lots_changed(change)]
    return changes.finish(bucket, main, given, "forfeited", *others, reason="spam", settings=customer.settings)


def unmark(bucket: Bucket, customer: Customer, given: UnmarkSpam) -> dict[str, Any]:
    """Refused `not_spam`, `amount_out_of_range`. What was forfeited comes back, with kinds and expiries."""
    if "spam" not in customer.causes:
        return bucket.entry(given, "refused", reason="not_spam")
    for name, forfeited in customer.forfeited.items():
        if changes.out_of_range(customer.wallets[name], sum(lot.remaining for lot in forfeited)):
            return bucket.entry(given, "refused", reason="amount_out_of_range")
    main = changes.begin(customer, customer.wallets["main"])
    main.blocks += blocks.change_customer(bucket, customer, "spam", sets=False)
    others = []
    names = sorted(customer.forfeited, key=lambda name: (name != "main", name.encode()))
    for name in names:
        wallet = customer.wallets[name]
        if name != "main":
            others.append(changes.begin(customer, wallet))
        for lot in customer.forfeited[name]:
            lots.add_credit(
                bucket,
                wallet,
                lot.remaining,
                lot.kind,
                lot.expires_at,
                transferable=lot.transferable,
                notice_at=lot.notice_at,
            )
    customer.forfeited = {}
    return changes.finish(bucket, main, given, "given_back", *others, reason="spam", settings=customer.settings)


RULES: dict[type, Callable[[Bucket, Customer, Any], dict[str, Any]]] = {MarkSpam: mark, UnmarkSpam: unmark}
