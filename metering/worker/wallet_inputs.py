"""Adds a command about wallets to a chunk. Leaves who may send it to the broker's ACLs and the API."""

from __future__ import annotations

from typing import Protocol

from metering.contracts.commands import (
    CloseWallet,
    FreezeWallet,
    MergeWallets,
    PutWallet,
    ReverseTopUp,
    SetWalletMode,
    ThawWallet,
    Transfer,
)
from metering.contracts.fields import MAIN_WALLET
from metering.contracts.reasons import Reason
from metering.ledger.codes import REASON_CODES, Op
from metering.ledger.wallet_codes import WalletKindCode
from metering.rating import Plan
from metering.worker.customers import Customer, rules_of
from metering.worker.payers import wallet_mode

WalletCommand = (
    PutWallet | FreezeWallet | ThawWallet | CloseWallet | MergeWallets | Transfer | SetWalletMode | ReverseTopUp
)

SWEPT_MAX = 100
"""Wallets swept into the pool with one command: with three lots in each the call takes 2.7 ms."""


class Add(Protocol):
    """Adds the command to the chunk; `fields` in the order of `layout.Input` from position 8."""

    def __call__(self, op: Op, *fields: object, wallet: str | None = None) -> None:
        """Add a row."""


def add_wallet_command(add: Add, command: WalletCommand, customer: Customer) -> None:
    """Add one command; `customer` is as it was read for the chunk."""
    plan = customer.plan
    match command:
        case PutWallet():
            kind = WalletKindCode[command.kind.upper()].value if command.kind else False
            texts = (command.user, command.name, command.reference, command.keyword)
            user, name, reference, keyword = (False if text is None else text for text in texts)
            rules = rules_of(plan, is_main=False) if plan else []
            add(
                Op.PUT_WALLET,
                kind,
                user,
                name,
                reference,
                rules,
                keyword,
                wallet=command.wallet or command.user or MAIN_WALLET,
            )
        case FreezeWallet():
            add(Op.FREEZE_WALLET, wallet=command.wallet)
        case ThawWallet():
            add(Op.THAW_WALLET, wallet=command.wallet)
        case CloseWallet():
            writes_off = plan is not None and plan.policy.delete_negative_user == "write_off_to_pool"
            add(Op.CLOSE_WALLET, 0, "", command.to, int(writes_off), wallet=command.wallet)
        case MergeWallets():
            add(Op.MERGE_WALLETS, 0, "", command.to, 1, wallet=command.wallet)
        case Transfer():
            refusal = _transfer_refusal(command, plan)
            if refusal is None:
                add(Op.TRANSFER, command.amount_micros, command.unit, command.to, wallet=command.wallet)
            else:
                add(Op.REFUSE_COMMAND, REASON_CODES[refusal])
        case SetWalletMode():
            _set_mode(add, command, customer)
        case ReverseTopUp():
            cause = REASON_CODES[Reason(command.cause)]
            fields = (-command.amount_micros, command.unit, command.top_up, cause)
            add(Op.REVERSE_TOP_UP, *fields, wallet=command.wallet or MAIN_WALLET)


def _set_mode(add: Add, command: SetWalletMode, customer: Customer) -> None:
    current = wallet_mode(customer)
    swept = list(command.wallets) if command.mode == "shared_pool" else []
    if len(swept) > SWEPT_MAX:
        add(Op.REFUSE_COMMAND, REASON_CODES[Reason.TOO_MANY])
    elif command.mode == current and not swept:
        add(Op.REFUSE_COMMAND, REASON_CODES[Reason.ALREADY])
    else:
        add(Op.SET_WALLET_MODE, command.mode, swept)


def _transfer_refusal(command: Transfer, plan: Plan | None) -> Reason | None:
    """Return why the plan does not allow a transfer; None where it does."""
    if plan is None:
        return Reason.UNKNOWN_PLAN
    if plan.policy.transfer_directions == "none":
        return Reason.TRANSFERS_DISABLED
    if command.started_from not in (None, command.wallet, command.to):
        return Reason.UNKNOWN_WALLET
    if plan.policy.transfer_directions == "outward" and command.started_from not in (None, command.wallet):
        return Reason.TRANSFERS_OUTWARD_ONLY
    if plan.policy.transfer_terms_required and not (command.accept_terms and command.terms_version):
        return Reason.TERMS_NOT_ACCEPTED
    return None
