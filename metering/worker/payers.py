"""Which wallet an event is charged to. Leaves whether there is enough in it to the ledger."""

from __future__ import annotations

from metering.contracts.events import UsageData
from metering.contracts.fields import MAIN_WALLET
from metering.contracts.wallets import WalletMode
from metering.worker.customers import Customer
from metering.worker.event_kinds import Role

ASKING = (Role.SUBMIT, Role.RECEIVED, Role.EXTEND)
"""Roles of events that can still be denied; whatever else happened already, and is charged to somebody."""

NO_WALLET = ""
"""No wallet has this name: a charge to it is denied `unknown_wallet`."""


def wallet_mode(customer: Customer) -> WalletMode:
    """Return how a customer holds its credit: as a command has set it, else as its plan has it."""
    if customer.settings and customer.settings.wallet_mode:
        return customer.settings.wallet_mode
    return customer.plan.policy.wallet_mode if customer.plan else "shared_pool"


def payer_of(data: UsageData, customer: Customer, role: Role) -> str:
    """Return the wallet that pays: the one that the event names, else by the customer's mode.

    Where each user pays, the user's own and no other: never a colleague's, nor the pool, nor that of whom a message was
    sent for. What has happened without a user, or in another mode, is the pool's.
    """
    if data.wallet is not None:
        return data.wallet
    if not users_pay(customer):
        return MAIN_WALLET
    if data.user is not None:
        return NO_WALLET if data.user == MAIN_WALLET else data.user
    return NO_WALLET if role in ASKING else MAIN_WALLET


def pool_refuses(wallet: str, customer: Customer, role: Role) -> bool:
    """Whether the plan keeps the company pool from paying for something new."""
    plan = customer.plan
    is_new = role in (Role.SUBMIT, Role.RECEIVED)
    return wallet == MAIN_WALLET and is_new and plan is not None and not plan.policy.pool_spendable


def users_pay(customer: Customer) -> bool:
    """Whether each user pays from a wallet of their own."""
    if wallet_mode(customer) != "per_user" or customer.plan is None:
        return False
    # A mode that a command has set means its payer as well; otherwise the plan says both.
    was_set = customer.settings is not None and customer.settings.wallet_mode == "per_user"
    return was_set or customer.plan.policy.payer == "actor_user"
