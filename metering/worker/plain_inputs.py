"""Adds plain events to a chunk in one pass from the event to the ledger's row. Leaves all others to `event_inputs`.

Plain are texts to one number that ask, priced by rows alone, and what became of texts by their charge: of a customer
whose one pool pays and who has no limits. The rows and what they carry are those that `event_inputs` makes, which a
test holds on random events; what a customer or a plan gains there that could change them must make it not plain here.
Where compiled steps are used, `native/rows` adds those of the usual shape in its place.
"""

from __future__ import annotations

from msgspec import Raw
from msgspec.structs import force_setattr

from metering.contracts.entries import EventReference, InputReference, Position
from metering.ledger.carried import Carried
from metering.ledger.codes import Flag, Moment, Op
from metering.ledger.identity import event_digest
from metering.ledger.inputs import NO_PRICE, ChunkBuilder
from metering.rating import Price
from metering.rating.recurring import is_sender_type_enabled
from metering.worker.customers import Customer
from metering.worker.decoding import UsageInput
from metering.worker.event_kinds import EVENT_KINDS
from metering.worker.payers import users_pay

MOMENTS = {"submit": Moment.SUBMIT.value, "sent": Moment.SENT.value, "delivered": Moment.DELIVERED.value}
TEXT_TYPE = "sms.submitted"
TEXT_KIND = EVENT_KINDS[TEXT_TYPE]
OUTCOMES = frozenset(("sms.sent", "sms.delivered", "sms.failed", "sms.cancelled", "sms.expired"))
SUBMIT_OP, OUTCOME_OP, SENT = Op.SUBMIT.value, Op.OUTCOME.value, Moment.SENT.value
SINGLE, REMEMBER, SCHEDULED = Flag.SINGLE.value, Flag.REMEMBER.value, Flag.SCHEDULED.value


def add_plain(
    builder: ChunkBuilder,
    usage: UsageInput,
    customer: Customer,
    where: InputReference,
    after: Position,
    clock_ms: int,
    rates_version: str,
) -> bool:
    """Add an event as `event_inputs.add_event` would; False, and nothing is added, where it is not plain."""
    event = usage.event
    data, is_plain = event.data, customer.is_plain
    if is_plain is None:
        is_plain = is_plain_customer(customer)
    if not is_plain or data.wallet is not None:
        return False
    if usage.kind is TEXT_KIND:
        return _add_text(builder, usage, customer, where, after, clock_ms, rates_version)
    if event.type not in OUTCOMES or data.to is not None or data.sender_type is not None:
        return False
    charge_id, settings = data.charge_id, customer.settings
    carried = Carried(
        after,
        clock_ms,
        where,
        data.customer,
        settings.unit if settings else None,
        None,
        charge_id,
        EventReference(event.source, event.id, event.type, usage.time_ms),
        channel="sms",
        sender=data.sender,
        user=data.user,
        campaign=data.campaign,
        on_behalf_of=data.on_behalf_of,
        reply_to=data.reply_to,
    )
    digest = event_digest(event.source, event.id)
    figures = (clock_ms, NO_PRICE, usage.kind.moment, 0)
    builder.plain(OUTCOME_OP, 0, SENT, figures, carried, customer.policy, digest, charge_id or "", None)
    return True


def _add_text(
    builder: ChunkBuilder,
    usage: UsageInput,
    customer: Customer,
    where: InputReference,
    after: Position,
    clock_ms: int,
    rates_version: str,
) -> bool:
    event, plan, settings = usage.event, customer.plan, customer.settings
    data = event.data
    to, sender_type = data.to, data.sender_type
    if to is None or to[0] != "+" or data.recipients or data.draft or plan is None or settings is None:
        return False
    if sender_type is not None and not is_sender_type_enabled(plan.file, sender_type, settings.equipment):
        return False
    segments, characters = data.segments, data.characters
    if segments is None:
        if data.text is None:
            return False
        counted = plan.count_segments(data.text)
        segments, characters = counted.segments, counted.characters
    price = plan.price_sms(to, segments, usage.time_ms, sender_type, data.mcc_mnc, characters)
    if not isinstance(price, Price):
        return False
    for line in price.lines:
        if line.terms is not None:
            return False
    flags = SINGLE
    charge_id = data.charge_id
    if charge_id is None:
        charge_id = event.id
    else:
        flags |= REMEMBER
    if data.scheduled:
        flags |= SCHEDULED
    carried = Carried(
        after,
        clock_ms,
        where,
        data.customer,
        settings.unit,
        price.amount_micros,
        charge_id,
        EventReference(event.source, event.id, event.type, usage.time_ms),
        None,
        "sms",
        price.country or None,
        price.quantity,
        Raw(price.rate_json),
        rates_version,
        data.sender,
        data.user,
        data.campaign,
        data.on_behalf_of,
        reply_to=data.reply_to,
    )
    digest = event_digest(event.source, event.id)
    figures = (clock_ms, price.amount_micros, clock_ms + plan.hold_seconds["sms"] * 1_000, price.failed_fee_micros)
    charge_on = MOMENTS[price.charge_on]
    builder.plain(SUBMIT_OP, flags, charge_on, figures, carried, customer.policy, digest, charge_id, data.sender)
    return True


def is_plain_customer(customer: Customer) -> bool:
    """Find out whether a customer's events can be plain, once for each time that it is read."""
    plan, settings = customer.plan, customer.settings
    is_plain = (
        plan is not None
        and settings is not None
        and not settings.limits
        and plan.policy.pool_spendable
        and not users_pay(customer)
    )
    force_setattr(customer, "is_plain", is_plain)
    return is_plain
