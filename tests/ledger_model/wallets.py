"""Wallets: open, name, freeze, thaw. Leaves moving credit between them to `transfers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ledger_model import alerts, blocks, changes
from tests.ledger_model.inputs import Command, FreezeWallet, PutWallet, ThawWallet
from tests.ledger_model.state import Customer, Wallet

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket

FROZEN = "wallet_frozen"
TEXTS = ("user", "name", "reference", "keyword")


def objection(wallet: Wallet) -> str | None:
    """Why a charge cannot use a wallet: it is frozen or closed."""
    return {"frozen": FROZEN, "closed": "wallet_closed"}.get(str(wallet.profile["state"]))


def put(bucket: Bucket, customer: Customer, given: PutWallet) -> dict[str, Any]:
    """Refused `wallet_closed`, `main_wallet` (a kind for `main`). A new wallet in the customer's unit, with the plan's
    rules: `opened`; else what is given changes: `settings_changed`. Empty text clears.
    """
    wallet = customer.wallets.get(given.wallet)
    if wallet is not None and wallet.profile["state"] == "closed":
        return bucket.entry(given, "refused", reason="wallet_closed")
    if given.kind is not None and given.wallet == "main":
        return bucket.entry(given, "refused", reason="main_wallet")
    kind, rules = "settings_changed", []
    if wallet is None:
        kind, rules = "opened", alerts.rules_of(bucket.plan_of(customer))
        wallet = customer.wallets[given.wallet] = Wallet(customer.name, given.wallet, customer.unit, rules=rules)
        wallet.profile["kind"] = "sub_account" if given.user is None else "user"
    if given.kind is not None:
        wallet.profile["kind"] = given.kind
    for text in TEXTS:
        if (said := getattr(given, text)) is not None:
            wallet.profile[text] = said or None
    change = changes.begin(customer, wallet)
    change.touched = True
    shown = [alerts.image(rule) for rule in rules]
    return changes.finish(bucket, change, given, kind, profile=dict(wallet.profile), rules=shown)


def freeze(bucket: Bucket, customer: Customer, given: FreezeWallet) -> dict[str, Any]:
    """Refused `unknown_wallet`, `wallet_closed`, `already`. `frozen`; a cause of the wallet's block."""
    return _set_state(bucket, customer, given, given.wallet, "frozen", "already")


def thaw(bucket: Bucket, customer: Customer, given: ThawWallet) -> dict[str, Any]:
    """Refused `unknown_wallet`, `wallet_closed`, `not_frozen`. `thawed`; the cause goes."""
    return _set_state(bucket, customer, given, given.wallet, "active", "not_frozen")


def _set_state(
    bucket: Bucket, customer: Customer, given: Command, name: str, state: str, if_so_already: str
) -> dict[str, Any]:
    wallet = customer.wallets.get(name)
    if wallet is None:
        return bucket.entry(given, "refused", reason="unknown_wallet")
    if wallet.profile["state"] == "closed":
        return bucket.entry(given, "refused", reason="wallet_closed")
    if wallet.profile["state"] == state:
        return bucket.entry(given, "refused", reason=if_so_already)
    change = changes.begin(customer, wallet)
    change.touched = True
    wallet.profile["state"] = state
    if state == "frozen":
        change.blocks += blocks.add_to_wallet(bucket, wallet, FROZEN)
    else:
        change.blocks += blocks.take_from_wallet(wallet, FROZEN)
    kind = "frozen" if state == "frozen" else "thawed"
    return changes.finish(bucket, change, given, kind, profile=dict(wallet.profile))
