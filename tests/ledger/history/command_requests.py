"""Turns commands of the model into rows of a chunk, as a worker would. Leaves events to `requests`."""

from __future__ import annotations

from typing import Any

from metering.contracts.reasons import Reason
from metering.ledger.carried import Carried
from metering.ledger.codes import REASON_CODES, Op
from metering.ledger.gathering import CustomerPolicy
from metering.ledger.inputs import ChunkBuilder
from metering.ledger.wallet_codes import WalletKindCode
from tests.ledger.history.plan_requests import (
    Has,
    cycle_of,
    number_fee_of,
    options_of,
    plan_change_of,
    rules_of,
    topping_of,
)
from tests.ledger.history.user_requests import USER_OPS, user_fields
from tests.ledger_model import inputs as model
from tests.ledger_model.number_inputs import AddNumber, RemoveNumber
from tests.ledger_model.plan_state import Plan
from tests.ledger_model.plans import TIME_ZONES
from tests.ledger_model.spam_inputs import MarkSpam, UnmarkSpam
from tests.ledger_model.user_inputs import CloseUser, PutUser, SetAllotment

OPS = {
    model.OpenCustomer: Op.OPEN_CUSTOMER,
    model.TopUp: Op.TOP_UP,
    model.SetPlan: Op.SET_PLAN,
    model.SetAlert: Op.SET_ALERT,
    model.CancelPlan: Op.CANCEL_PLAN,
    model.SetOptions: Op.SET_OPTIONS,
    MarkSpam: Op.MARK_SPAM,
    UnmarkSpam: Op.UNMARK_SPAM,
    AddNumber: Op.ADD_NUMBER,
    RemoveNumber: Op.REMOVE_NUMBER,
    model.Suspend: Op.SUSPEND,
    model.Resume: Op.RESUME,
    model.BlockSender: Op.BLOCK_SENDER,
    model.UnblockSender: Op.UNBLOCK_SENDER,
    model.Adjust: Op.ADJUST,
    model.PutWallet: Op.PUT_WALLET,
    model.FreezeWallet: Op.FREEZE_WALLET,
    model.ThawWallet: Op.THAW_WALLET,
    model.CloseWallet: Op.CLOSE_WALLET,
    model.MergeWallets: Op.MERGE_WALLETS,
    model.Transfer: Op.TRANSFER,
    model.SetWalletMode: Op.SET_WALLET_MODE,
    model.ReverseTopUp: Op.REVERSE_TOP_UP,
    model.PutLimit: Op.PUT_LIMIT,
    **USER_OPS,
}


def add_command(
    builder: ChunkBuilder,
    given: model.Command,
    carried: Carried,
    policy: CustomerPolicy,
    plans: dict[str, Plan],
    plan: Plan | None,
    has: Has,
) -> None:
    """Add one command to a chunk."""
    refusal = _refused_before(given, plans, plan)
    if isinstance(given, model.OpenCustomer) and refusal is None:
        builder.zone(given.time_zone)
    op = OPS[type(given)] if refusal is None else Op.REFUSE_COMMAND
    fields = _fields_of(given, plans, plan, has) if refusal is None else refusal
    zone = getattr(given, "time_zone", None)
    if refusal is None and zone is not None:
        builder.zone(zone)
    builder.command(
        op,
        carried.applied_at_ms,
        carried,
        policy,
        given.id,
        *fields,
        wallet=getattr(given, "wallet", None),
        sender=getattr(given, "sender", None),
    )


def _refused_before(given: model.Command, plans: dict[str, Plan], plan: Plan | None) -> tuple[int, int] | None:
    """Return the refusal that a worker sees before the ledger does, and whether it is that of an opening."""
    opens = isinstance(given, model.OpenCustomer)
    if isinstance(given, model.OpenCustomer | model.SetPlan) and given.plan not in plans:
        return REASON_CODES[Reason.UNKNOWN_PLAN], int(opens)
    if getattr(given, "time_zone", None) not in (None, *TIME_ZONES):
        return REASON_CODES[Reason.INVALID_TIME_ZONE], int(opens)
    if isinstance(given, AddNumber) and (plan is None or given.type not in plan.numbers):
        return REASON_CODES[Reason.UNRATED], int(opens)
    return None


def _fields_of(  # noqa: C901, PLR0911, PLR0912  one return for each command
    given: model.Command, plans: dict[str, Plan], its_plan: Plan | None, has: Has
) -> tuple[Any, ...]:
    match given:
        case model.OpenCustomer():
            plan = plans[given.plan]
            return (given.plan, plan.unit, given.time_zone, given.country or "", rules_of(plan), *cycle_of(plan))
        case model.TopUp():
            return topping_of(given, its_plan)
        case model.SetPlan():
            plan = plans[given.plan]
            return plan_change_of(plan, given.plan, has)
        case model.CancelPlan():
            return (int(its_plan is not None and its_plan.spendable_without),)
        case model.SetOptions():
            return options_of(given, its_plan or Plan("USD"))
        case AddNumber():
            return (given.number, given.type, number_fee_of(its_plan, given))
        case RemoveNumber():
            return (given.number,)
        case model.SetAlert():
            rearm = given.level + 1 if given.rearm is None else given.rearm
            return (given.rule, given.level, rearm, int(given.enabled), given.percent, given.user)
        case model.Adjust():
            return (given.amount, given.unit)
        case model.PutWallet():
            kind = WalletKindCode[given.kind.upper()].value if given.kind else False
            texts = (given.user, given.name, given.reference, given.keyword)
            user, name, reference, keyword = (False if text is None else text for text in texts)
            return (kind, user, name, reference, rules_of(its_plan) if its_plan else [], keyword)
        case model.CloseWallet() | model.MergeWallets():
            return (0, "", given.to, int(isinstance(given, model.MergeWallets) or given.writes_off))
        case model.SetWalletMode():
            return (given.mode, list(given.wallets))
        case model.ReverseTopUp():
            return (-given.amount, given.unit, given.top_up, REASON_CODES[Reason(given.cause)])
        case PutUser() | SetAllotment() | CloseUser():
            return user_fields(given, its_plan)
        case model.Transfer():
            return (given.amount, given.unit, given.to)
        case model.PutLimit():
            name = given.customer if given.level == "customer" else given.name
            cap = False if given.cap is None else given.cap
            return (f"{given.level}:{given.window}:{name}", given.level, given.window, name, cap, int(given.carry))
    return ()
