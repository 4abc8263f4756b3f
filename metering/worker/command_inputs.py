"""Adds a command to a chunk. Leaves who may send it to the broker's ACLs and the API."""

from __future__ import annotations

from typing import Any

import msgspec

from metering.contracts.commands import (
    AddNumber,
    Adjust,
    BlockSender,
    CancelPlan,
    Command,
    MarkSpam,
    OpenCustomer,
    PutLimit,
    RemoveNumber,
    Resume,
    SetAlert,
    SetOptions,
    SetPlan,
    SetWalletMode,
    Suspend,
    TopUp,
    Transfer,
    UnblockSender,
    UnmarkSpam,
)
from metering.contracts.entries import CommandReference, InputReference, Position
from metering.contracts.fields import MAIN_WALLET
from metering.contracts.reasons import Reason
from metering.contracts.user_commands import CloseUser, PutUser, SetAllotment
from metering.ledger.carried import Carried
from metering.ledger.codes import REASON_CODES, Op
from metering.ledger.inputs import ChunkBuilder
from metering.rating import Catalog, Plan, Price
from metering.worker.customers import Customer, rules_of
from metering.worker.fee_inputs import CYCLE_MONTHS, number_fee_of, rental_of
from metering.worker.plan_inputs import DAY_MS, Add, add_plan_command, grant_of, is_time_zone
from metering.worker.user_inputs import add_user_command
from metering.worker.wallet_inputs import add_wallet_command

PLAN_DEFAULT = "payg-usd"
OPENS = 1
"""Of a refused command: it would have opened the customer, so its being unknown is not what is wrong."""


def add_command(  # noqa: C901, PLR0912  one case for each command
    builder: ChunkBuilder,
    command: Command,
    customer: Customer,
    catalog: Catalog,
    where: InputReference,
    after: Position,
    clock_ms: int,
) -> None:
    """Add one command as the input at `where`, after which the position is `after`."""
    unit = customer.settings.unit if customer.settings else None
    if isinstance(command, OpenCustomer) and unit is None:
        plan = catalog.plans.get(command.plan or PLAN_DEFAULT)
        unit = plan.unit if plan else None
    rental = rental_of(command, customer, clock_ms) if isinstance(command, AddNumber) else None
    carried = Carried(
        position=after,
        applied_at_ms=clock_ms,
        input=where,
        customer=command.customer,
        unit=unit,
        command=CommandReference(command.id, str(command.__struct_config__.tag)),
        sender=command.sender if isinstance(command, BlockSender | UnblockSender) else None,
        actor=command.actor,
        note=command.reason,
        terms_version=command.terms_version if isinstance(command, Transfer) and command.accept_terms else None,
        reply_to=command.reply_to,
        **(_priced(rental, catalog) if isinstance(rental, Price) else {}),
    )
    policy = customer.policy

    def add(op: Op, *fields: object, wallet: str | None = None, sender: str | None = None) -> None:
        builder.command(op, clock_ms, carried, policy, command.id, *fields, wallet=wallet, sender=sender)

    match command:
        case OpenCustomer():
            opening = _opening(command, catalog)
            if isinstance(opening, Reason):
                add(Op.REFUSE_COMMAND, REASON_CODES[opening], OPENS)
            else:
                builder.zone(command.time_zone)
                add(Op.OPEN_CUSTOMER, *opening)
        case TopUp():
            add(
                Op.TOP_UP,
                command.amount_micros,
                command.unit,
                command.lot_kind,
                command.expires_at_ms or 0,
                int(command.transferable),
                customer.plan.policy.expiry_notice_days * DAY_MS if customer.plan else 0,
                wallet=command.wallet or MAIN_WALLET,
            )
        case SetPlan() | CancelPlan() | SetOptions() | MarkSpam() | UnmarkSpam():
            add_plan_command(builder, add, command, customer, catalog, clock_ms)
        case AddNumber():
            _add_number(add, command, customer.plan, rental)
        case RemoveNumber():
            add(Op.REMOVE_NUMBER, command.number)
        case SetAlert():
            add(Op.SET_ALERT, *_rule_of(command), wallet=command.wallet or MAIN_WALLET)
        case Suspend():
            add(Op.SUSPEND)
        case Resume():
            add(Op.RESUME)
        case BlockSender():
            add(Op.BLOCK_SENDER, sender=command.sender)
        case UnblockSender():
            add(Op.UNBLOCK_SENDER, sender=command.sender)
        case PutLimit():
            name = command.customer if command.level == "customer" else command.name
            limit = f"{command.level}:{command.window}:{name}"
            cap = False if command.cap_micros is None else command.cap_micros
            add(Op.PUT_LIMIT, limit, command.level, command.window, name, cap, int(command.carry))
        case PutUser() | SetAllotment() | CloseUser():
            add_user_command(add, command, customer)
        case Adjust():
            add(Op.ADJUST, command.amount_micros, command.unit, wallet=command.wallet or MAIN_WALLET)
        case _:
            add_wallet_command(add, command, customer)


def changes_prices(content: object) -> bool:
    """Whether what follows this input may be priced differently: such a command ends its chunk.

    So does one that adds up all users' allotments, that a call has no more than one of them to do.
    """
    return isinstance(
        content,
        OpenCustomer
        | SetPlan
        | SetOptions
        | SetWalletMode
        | PutLimit
        | PutUser
        | SetAllotment
        | CloseUser
        | AddNumber
        | RemoveNumber,
    )


def _opening(command: OpenCustomer, catalog: Catalog) -> Reason | tuple[object, ...]:
    """Return the fields that open a customer, or why it cannot be opened."""
    plan = catalog.plans.get(command.plan or PLAN_DEFAULT)
    if plan is None:
        return Reason.UNKNOWN_PLAN
    if not is_time_zone(command.time_zone):
        return Reason.INVALID_TIME_ZONE
    cycle = CYCLE_MONTHS[plan.file.cycle]
    return (plan.id, plan.unit, command.time_zone, command.country or "", rules_of(plan), cycle, *grant_of(plan))


def _priced(price: Price, catalog: Catalog) -> dict[str, Any]:
    """Return what the entry says of a price, as that of an event does."""
    return {
        "price_micros": price.amount_micros,
        "country": price.country,
        "rates": msgspec.Raw(price.rate_json),
        "rates_version": catalog.version,
    }


def _add_number(add: Add, command: AddNumber, plan: Plan | None, rental: Price | Reason | None) -> None:
    if isinstance(rental, Reason):
        add(Op.REFUSE_COMMAND, REASON_CODES[rental])
    else:
        fee = number_fee_of(plan, command.number, rental) if plan and rental else None
        add(Op.ADD_NUMBER, command.number, command.number_type or "", fee or False)


def _rule_of(command: SetAlert) -> tuple[object, ...]:
    """Return the fields of a rule; one of a user has a name of its own where the command gives it none."""
    level = command.level_micros or 0
    rearm = level + 1 if command.rearm_micros is None else command.rearm_micros
    name = command.rule or (f"user:{command.user}" if command.user else "default")
    return (name, level, rearm, int(command.enabled), command.percent or 0, command.user or "")
