"""Commands: when each is refused, and its effect. Leaves repeats to `windows`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.ledger_model import (
    alerts,
    blocks,
    changes,
    credit,
    cycles,
    limits,
    lots,
    numbers,
    plans,
    spam,
    transfers,
    users,
    wallets,
)
from tests.ledger_model.inputs import (
    Adjust,
    BlockSender,
    CloseWallet,
    Command,
    FreezeWallet,
    MergeWallets,
    OpenCustomer,
    PutLimit,
    PutWallet,
    Resume,
    ReverseTopUp,
    SetAlert,
    SetWalletMode,
    Suspend,
    ThawWallet,
    TopUp,
    Transfer,
    UnblockSender,
)
from tests.ledger_model.state import Block, Customer, Lot, Rule, Wallet

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket


def refuse(bucket: Bucket, given: Command, reason: str) -> dict[str, Any]:
    """A command that could be understood but not carried out."""
    return bucket.entry(given, "refused", reason=reason)


def open_customer(bucket: Bucket, given: OpenCustomer) -> dict[str, Any]:
    """Refused `customer_exists`, `unknown_plan`, `invalid_time_zone`. Settings version 1; wallet `main` in the plan's
    unit with the plan's alert rule `default` if it has one: `opened`.
    """
    if given.customer in bucket.customers:
        return refuse(bucket, given, "customer_exists")
    if given.plan not in bucket.plans:
        return refuse(bucket, given, "unknown_plan")
    if given.time_zone not in plans.TIME_ZONES:
        return refuse(bucket, given, "invalid_time_zone")
    plan = bucket.plans[given.plan]
    customer = Customer(
        given.customer, 1, given.plan, plan.unit, given.time_zone, given.country, bucket.clock, plan.cycle_months
    )
    wallet = customer.wallets["main"] = Wallet(given.customer, "main", plan.unit, rules=alerts.rules_of(plan))
    bucket.customers[given.customer] = customer
    cycles.first(bucket, customer, plan)
    change = changes.begin(customer, wallet)
    change.touched = True
    return changes.finish(
        bucket,
        change,
        given,
        "opened",
        settings=customer.settings,
        rules=[alerts.image(rule) for rule in wallet.rules],
    )


def money_refusal(customer: Customer, given: TopUp | Adjust) -> str | None:
    """`unknown_wallet`, `wrong_unit`, `amount_out_of_range` (0, or the balance would reach +-2^53); `too_many` lots."""
    wallet = customer.wallets.get(given.wallet)
    if wallet is None:
        return "unknown_wallet"
    if wallet.unit != given.unit:
        return "wrong_unit"
    if wallet.profile["state"] == "closed":
        return "wallet_closed"
    if given.amount == 0 or changes.out_of_range(wallet, given.amount):
        return "amount_out_of_range"
    if given.amount > 0 and len(wallet.lots) >= lots.LOTS_MAX and _twin(wallet, given) is None:
        return "too_many"
    return None


def _twin(wallet: Wallet, given: TopUp | Adjust) -> Lot | None:
    if isinstance(given, TopUp):
        return lots.twin_of(wallet, given.lot_kind, given.expires_at, transferable=given.transferable)
    return lots.twin_of(wallet, "fro", None)


def top_up(bucket: Bucket, customer: Customer, given: TopUp) -> dict[str, Any]:
    """Credit as a lot: `topped_up`; lift rule."""
    reason = money_refusal(customer, given)
    if reason is not None:
        return refuse(bucket, given, reason)
    change = changes.begin(customer, customer.wallets[given.wallet])
    lots.add_credit(
        bucket,
        change.wallet,
        given.amount,
        given.lot_kind,
        given.expires_at,
        transferable=given.transferable,
        notice_at=lots.notice_for(given.expires_at, bucket.plan_of(customer).notice, bucket.clock),
    )
    alerts.relevel(change.wallet, given.amount)
    change.releveled = True
    return changes.finish(bucket, change, given, "topped_up")


def adjust(bucket: Bucket, customer: Customer, given: Adjust) -> dict[str, Any]:
    """a > 0 credit as a lot of kind `fro`, a < 0 debit: `adjusted`; lift rule."""
    reason = money_refusal(customer, given)
    if reason is not None:
        return refuse(bucket, given, reason)
    change = changes.begin(customer, customer.wallets[given.wallet])
    if given.amount > 0:
        lots.add_credit(bucket, change.wallet, given.amount, "fro", None)
    else:
        credit.debit(change.wallet, -given.amount)
    return changes.finish(bucket, change, given, "adjusted")


def set_alert(bucket: Bucket, customer: Customer, given: SetAlert) -> dict[str, Any]:
    """Refused `unknown_wallet`, `rule_fixed`, `invalid_level` (rearm <= level), `too_many`. The rule:
    `settings_changed`.
    """
    wallet = customer.wallets.get(given.wallet)
    if wallet is None:
        return refuse(bucket, given, "unknown_wallet")
    if wallet.profile["state"] == "closed":
        return refuse(bucket, given, "wallet_closed")
    level = given.level if given.percent == 0 else wallet.last_top_up * given.percent // 100
    rearm = level + 1 if given.rearm is None or given.percent > 0 else given.rearm
    known = {rule.name: rule for rule in wallet.rules}
    if given.rule in known and known[given.rule].fixed:
        return refuse(bucket, given, "rule_fixed")
    if rearm <= level:
        return refuse(bucket, given, "invalid_level")
    if given.rule not in known and len(known) >= alerts.RULES_MAX:
        return refuse(bucket, given, "too_many")
    was = known.get(given.rule)
    state = alerts.first_state(
        wallet.available, level, rearm, enabled=given.enabled, was=None if was is None else was.state
    )
    locks = was is not None and was.locks
    known[given.rule] = Rule(given.rule, level, rearm, given.enabled, state, given.percent, locks, user=given.user)
    wallet.rules = list(known.values())
    change = changes.begin(customer, wallet)
    change.touched = True
    return changes.finish(bucket, change, given, "settings_changed", rules=[alerts.image(known[given.rule])])


def set_any_alert(bucket: Bucket, customer: Customer, given: SetAlert) -> dict[str, Any]:
    """A rule of a user who has an allotment judges the user's total, every other one the wallet."""
    return users.set_alert(bucket, customer, given) or set_alert(bucket, customer, given)


def suspend(bucket: Bucket, customer: Customer, given: Suspend) -> dict[str, Any]:
    """Refused `already`. `suspended`; blocks at level customer."""
    if "suspended" in customer.causes:
        return refuse(bucket, given, "already")
    customer.causes.add("suspended")
    return _suspension(bucket, customer, given, "suspended", changed=len(customer.causes) == 1)


def resume(bucket: Bucket, customer: Customer, given: Resume) -> dict[str, Any]:
    """Refused `not_suspended`. `resumed`; unblocks at level customer."""
    if "suspended" not in customer.causes:
        return refuse(bucket, given, "not_suspended")
    customer.causes.remove("suspended")
    return _suspension(bucket, customer, given, "resumed", changed=not customer.causes)


def _suspension(bucket: Bucket, customer: Customer, given: Command, kind: str, *, changed: bool) -> dict[str, Any]:
    block = Block(bucket.clock, bucket.seq + 1, customer.causes) if customer.causes else None
    change = blocks.told("customer", customer.name, "suspended", block, changed=changed)
    return bucket.entry(given, kind, settings=customer.settings, blocks=[change])


def block_sender(bucket: Bucket, customer: Customer, given: BlockSender) -> dict[str, Any]:
    """Refused `already` (blocked by hand). Set by hand: `blocked`; an event only where it was not blocked before."""
    noted = blocks.add_to_sender(bucket, customer, given.sender, "manual")
    return bucket.entry(given, "blocked", blocks=noted) if noted else refuse(bucket, given, "already")


def unblock_sender(bucket: Bucket, customer: Customer, given: UnblockSender) -> dict[str, Any]:
    """Refused `not_blocked`. `unblock_sender` lifts all causes: `unblocked`."""
    if customer.senders.pop(given.sender, None) is None:
        return refuse(bucket, given, "not_blocked")
    change = blocks.told("sender", given.sender, "manual", None, changed=True)
    return bucket.entry(given, "unblocked", blocks=[change])


RULES: dict[type[Command], Callable[[Bucket, Customer, Any], dict[str, Any]]] = {
    TopUp: top_up,
    SetAlert: set_any_alert,
    Suspend: suspend,
    Resume: resume,
    BlockSender: block_sender,
    UnblockSender: unblock_sender,
    Adjust: adjust,
    PutWallet: wallets.put,
    FreezeWallet: wallets.freeze,
    ThawWallet: wallets.thaw,
    CloseWallet: transfers.close,
    MergeWallets: transfers.merge,
    Transfer: transfers.transfer,
    PutLimit: limits.put_limit,
    SetWalletMode: transfers.set_mode,
    ReverseTopUp: transfers.reverse,
    **plans.RULES,
    **numbers.RULES,
    **spam.RULES,
    **users.RULES,
}
