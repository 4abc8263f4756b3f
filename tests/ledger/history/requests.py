"""Turns inputs of the model into rows of a chunk, as a worker would after pricing. Leaves sending them to `till`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metering.contracts.calls import CallTerms
from metering.contracts.entries import CommandReference, EventReference, InputReference, Position
from metering.contracts.reasons import Reason
from metering.ledger.carried import Carried
from metering.ledger.codes import REASON_CODES, Flag, Moment, Switch
from metering.ledger.gathering import CustomerPolicy
from metering.ledger.identity import event_digest
from metering.ledger.inputs import NO_PRICE, ChunkBuilder
from tests.ledger.history.command_requests import add_command
from tests.ledger.history.counted_requests import counted_of
from tests.ledger.history.plan_requests import Has
from tests.ledger_model import inputs as model
from tests.ledger_model.calls import Call
from tests.ledger_model.plan_state import Plan

MOMENTS = {moment.name.lower(): moment for moment in Moment}

SINGLE, RECEIVED, REMEMBER = Flag.SINGLE.value, Flag.RECEIVED.value, Flag.REMEMBER.value
FEATURE, SCHEDULED, DRAFT = Flag.FEATURE.value, Flag.SCHEDULED.value, Flag.DRAFT.value


def carried_of(given: model.Input, clock: int, before: Position, known: dict[str, Plan]) -> Carried:
    """What the entry of an input says about it. It stands at `before`; `known` are the customers' plans."""
    if isinstance(given, model.Event):
        return Carried(
            position=Position(before.usage + 1, before.commands),
            applied_at_ms=clock,
            input=InputReference("usage", 0, before.usage),
            customer=given.customer,
            charge_id=given.charge_key,
            sender=given.sender,
            event=EventReference(given.source, given.id, type(given).__name__, given.at),
        )
    command = None if isinstance(given, model.Tick) else CommandReference(given.id, type(given).__name__)
    return Carried(
        position=Position(before.usage, before.commands + 1),
        applied_at_ms=clock,
        input=InputReference("commands", 0, before.commands),
        customer="" if isinstance(given, model.Tick) else given.customer,
        unit=None if isinstance(given, model.Tick) or given.customer not in known else known[given.customer].unit,
        command=command,
    )


def add_input(
    builder: ChunkBuilder,
    given: model.Input,
    carried: Carried,
    policy: CustomerPolicy,
    plans: dict[str, Plan],
    plan: Plan | None,
    has: Has,
) -> None:
    """Add one input to a chunk; `plan` is the customer's, `has` what it has besides."""
    if isinstance(given, model.Tick):
        builder.tick(carried.applied_at_ms, carried)
    elif isinstance(given, model.Command):
        add_command(builder, given, carried, policy, plans, plan, has)
    else:
        digest = event_digest(given.source, given.id)
        if given.counted is not None:
            builder.count(given.customer, counted_of(given.counted, given))
        EVENTS[type(given)](builder, given, carried.applied_at_ms, carried, policy, digest)


def _submission(builder: ChunkBuilder, given: model.Submission, *head: Any) -> None:
    flags = SINGLE * given.single + RECEIVED * given.received + REMEMBER * (given.charge is not None)
    flags += FEATURE * given.feature + SCHEDULED * given.scheduled + DRAFT * given.draft
    builder.submit(
        *head,
        wallet=given.wallet,
        charge=given.charge_key,
        sender=given.sender,
        price=given.price,
        charge_on=Moment.SUBMIT if given.received else MOMENTS[given.charge_on],
        deadline_at_ms=given.deadline,
        failed_fee=given.fee,
        flags=flags,
        recipients=given.recipients,
        call=terms_of(given.call),
        acting=(given.user, given.campaign, given.sender),
    )


def _extension(builder: ChunkBuilder, given: model.Extension, *head: Any) -> None:
    builder.extend(
        *head,
        wallet=given.wallet,
        charge=given.charge_key,
        sender=given.sender,
        seconds=given.seconds,
        price=NO_PRICE if given.price is None else given.price,
        deadline_at_ms=given.deadline,
        acting=(given.user, given.campaign, given.sender),
    )


def terms_of(call: Call | None) -> CallTerms | None:
    """The terms of a call as contracts have them."""
    if call is None:
        return None
    denominator = 1 if call.per_call else 60
    return CallTerms(
        call.seconds,
        0 if call.per_call else call.headroom,
        call.first,
        call.next,
        call.connect_fee * denominator,
        call.per_minute,
        denominator,
        call.mode,  # type: ignore[arg-type]
        call.step,
        call.minimum * denominator,
        call.others,
        call.per_call,
    )


def _outcome(builder: ChunkBuilder, given: model.Outcome, *head: Any) -> None:
    builder.outcome(
        *head,
        wallet=given.wallet,
        charge=given.charge_key,
        moment=MOMENTS[given.moment],
        price=NO_PRICE if given.price is None else given.price,
        charge_on=MOMENTS[given.charge_on],
        actual=given.actual,
        to=given.to,
        acting=(given.user, given.campaign, given.sender),
    )


def _call_end(builder: ChunkBuilder, given: model.CallEnd, *head: Any) -> None:
    builder.end_call(
        *head,
        wallet=given.wallet,
        charge=given.charge_key,
        seconds=given.seconds,
        price=NO_PRICE if given.price is None else given.price,
        acting=(given.user, given.campaign, given.sender),
    )


def _recorded(builder: ChunkBuilder, given: model.Recorded, *head: Any) -> None:
    acting = (given.user, given.campaign, given.sender)
    builder.record(*head, wallet=given.wallet, sender=given.sender, price=given.price, acting=acting)


def _adjustment(builder: ChunkBuilder, given: model.Adjustment, *head: Any) -> None:
    builder.adjust_charge(*head, wallet=given.wallet, charge=given.charge_key, amount=given.amount)


def _unpriced(builder: ChunkBuilder, given: model.Unpriced, *head: Any) -> None:
    builder.refuse(*head, reason=REASON_CODES[Reason(given.reason)], asked=given.asked)


EVENTS: dict[type[model.Event], Callable[..., None]] = {
    model.Submission: _submission,
    model.Extension: _extension,
    model.Outcome: _outcome,
    model.CallEnd: _call_end,
    model.Recorded: _recorded,
    model.Adjustment: _adjustment,
    model.Unpriced: _unpriced,
}


def policy_of(version: int, plan: Plan) -> CustomerPolicy:
    """Return what Lua needs to know of a customer on `plan`."""
    switches = {
        Switch.ALL_FEATURES: plan.all_features,
        Switch.INBOUND_NEGATIVE: plan.inbound_when_empty == "forward_into_negative",
        Switch.INBOUND_REFUSED: plan.inbound_when_empty == "refuse",
        Switch.SEND_UNTIL_FLAG: plan.send_until_flag,
        Switch.CALL_PART: plan.call_part,
        Switch.REFUSES_DRAFTS: plan.refuses_drafts,
        Switch.COVERED_PART: plan.covered_part,
    }
    return CustomerPolicy(version, plan.overdraft_limit, sum(switch for switch, is_on in switches.items() if is_on))
