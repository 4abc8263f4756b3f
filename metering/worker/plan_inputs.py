"""Adds a command about a customer's plan and options to a chunk: what the plan says becomes numbers.

Leaves other commands to `command_inputs` and `wallet_inputs`.
"""

from __future__ import annotations

from typing import Literal, Protocol

from metering.contracts.commands import CancelPlan, MarkSpam, SetOptions, SetPlan, UnmarkSpam
from metering.contracts.reasons import Reason
from metering.ledger.codes import REASON_CODES, Op
from metering.ledger.inputs import ChunkBuilder
from metering.ledger.plan_codes import OnPlanChange
from metering.ledger.zones import zone_record
from metering.rating import Catalog, Plan, parse_micros
from metering.worker.customers import Customer, rules_of
from metering.worker.fee_inputs import CYCLE_MONTHS, fees_of, number_fees_of
from metering.worker.user_inputs import allotment_terms

PlanCommand = SetPlan | CancelPlan | SetOptions | MarkSpam | UnmarkSpam
DAY_MS = 86_400_000


class Add(Protocol):
    """Adds the command to the chunk; `fields` in the order of `layout.Input` from position 8."""

    def __call__(self, op: Op, *fields: object) -> None:
        """Add a row."""


def add_plan_command(
    builder: ChunkBuilder, add: Add, command: PlanCommand, customer: Customer, catalog: Catalog, clock_ms: int
) -> None:
    """Add one command."""
    match command:
        case SetPlan():
            plan = catalog.plans.get(command.plan)
            if plan is None:
                add(Op.REFUSE_COMMAND, REASON_CODES[Reason.UNKNOWN_PLAN])
            else:
                how = OnPlanChange[plan.policy.nro_on_plan_change.upper()].value
                equipment = customer.settings.equipment if customer.settings else ()
                cycle = CYCLE_MONTHS[plan.file.cycle]
                fees = (fees_of(plan, equipment), number_fees_of(plan, customer.numbers, clock_ms))
                rules = (rules_of(plan), rules_of(plan, is_main=False))
                terms = allotment_terms(plan)
                add(Op.SET_PLAN, plan.id, plan.unit, cycle, *grant_of(plan), how, *fees, terms, *rules)
        case CancelPlan():
            spendable = customer.plan is not None and customer.plan.policy.fro_without_plan == "spendable"
            add(Op.CANCEL_PLAN, int(spendable))
        case SetOptions():
            if command.time_zone is not None and not is_time_zone(command.time_zone):
                add(Op.REFUSE_COMMAND, REASON_CODES[Reason.INVALID_TIME_ZONE])
            else:
                _add_options(builder, add, command, customer.plan)
        case MarkSpam():
            add(Op.MARK_SPAM)
        case UnmarkSpam():
            add(Op.UNMARK_SPAM)


def grant_of(plan: Plan) -> tuple[int, str, int]:
    """Return what a plan grants each cycle, of which kind, and how long before it lapses that is told, in ms."""
    grant = plan.file.grant
    notice_ms = plan.policy.expiry_notice_days * DAY_MS
    return (parse_micros(grant.amount), grant.kind, notice_ms) if grant else (0, "nro", notice_ms)


def is_time_zone(name: str) -> bool:
    """Say whether there is a time zone of that name."""
    try:
        zone_record(name)
    except ValueError:
        return False
    return True


def _add_options(builder: ChunkBuilder, add: Add, command: SetOptions, plan: Plan | None) -> None:
    if command.time_zone is not None:
        builder.zone(command.time_zone)
    equipment: list[str] | Literal[False] = False if command.equipment is None else sorted(set(command.equipment))
    add(
        Op.SET_OPTIONS,
        False if command.rop is None else int(command.rop),
        command.time_zone or False,
        command.country or False,
        equipment,
        fees_of(plan, equipment) if plan and equipment else [],
        int(plan is None or plan.policy.rop_scope == "all_lots_held"),
        int(plan is not None and plan.policy.rop_lapse == "resume_expiry"),
    )
