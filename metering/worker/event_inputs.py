"""Prices a usage event and adds it to a chunk. Leaves money's decisions to the ledger."""

from __future__ import annotations

from typing import Any

import msgspec

from metering.contracts.calls import CallTerms
from metering.contracts.entries import EventReference, InputReference, Position
from metering.contracts.events import UsageData
from metering.contracts.fields import MICROS_LIMIT, RECIPIENTS_MAX
from metering.contracts.reasons import Reason
from metering.ledger.carried import Carried
from metering.ledger.codes import REASON_CODES, Flag, Moment
from metering.ledger.counted import with_counters
from metering.ledger.identity import event_digest
from metering.ledger.inputs import NO_PRICE, ChunkBuilder
from metering.rating import Plan, Price, PriceRequest, Refusal
from metering.rating.recurring import is_sender_type_enabled
from metering.worker.customers import Customer
from metering.worker.decoding import UsageInput, recipients_of
from metering.worker.event_kinds import Role
from metering.worker.event_numbers import numbers_of, recipient_of
from metering.worker.payers import payer_of, pool_refuses

_MOMENTS = {"submit": Moment.SUBMIT.value, "sent": Moment.SENT.value, "delivered": Moment.DELIVERED.value}
_REFUSALS = {"amount_too_large": Reason.AMOUNT_OUT_OF_RANGE}
FIRST_SECONDS = 1
"""A call that does not say how long it will be reserves one billing increment, and the plan's headroom."""


def add_event(
    builder: ChunkBuilder,
    usage: UsageInput,
    customer: Customer,
    where: InputReference,
    after: Position,
    clock_ms: int,
    rates_version: str,
) -> None:
    """Add one usage event as the input at `where`, after which the position is `after`, priced for `customer`."""
    event, kind = usage.event, usage.kind
    data = event.data
    digest = event_digest(event.source, event.id)
    asked = kind.role in (Role.SUBMIT, Role.EXTEND)
    about: dict[str, Any] = {
        "position": after,
        "applied_at_ms": clock_ms,
        "input": where,
        "customer": data.customer,
        "unit": customer.settings.unit if customer.settings else None,
        "charge_id": data.adjusts if kind.role is Role.ADJUST else data.charge_id,
        "event": EventReference(event.source, event.id, event.type, usage.time_ms),
        "channel": kind.channel or data.channel or "sms",
        "sender": data.sender,
        "user": data.user,
        "campaign": data.campaign,
        "on_behalf_of": data.on_behalf_of,
        "reply_to": data.reply_to,
    }
    plan = customer.plan
    if plan is None:
        # An unknown customer is refused by Lua whatever the reason given; a known one's plan has left the catalog.
        reason = REASON_CODES[Reason.UNKNOWN_PLAN if customer.settings else Reason.UNKNOWN_CUSTOMER]
        builder.refuse(clock_ms, Carried(**about), customer.policy, digest, reason=reason, asked=asked)
        return
    price, counted = with_counters(_price(usage, customer, plan))
    if kind.role in (Role.EXTEND, Role.END):
        # The ledger finds the price, by the terms of the call; only where there are none this one counts.
        price = price if isinstance(price, Price) else None
    elif isinstance(price, Price):
        about["price_micros"] = None if counted else price.amount_micros
        about["quantity"] = price.quantity
        about["country"] = price.country or None
        about["rates"] = msgspec.Raw(price.rate_json)
        about["rates_version"] = rates_version
    elif isinstance(price, Refusal):
        about["country"] = price.country
        if kind.role is not Role.OUTCOME:
            reason = REASON_CODES[_REFUSALS.get(price.reason) or Reason(price.reason)]
            builder.refuse(clock_ms, Carried(**about), customer.policy, digest, reason=reason, asked=asked)
            return
        price = None
    elif price is not None:
        about["price_micros"] = price
    wallet = payer_of(data, customer, kind.role)
    if pool_refuses(wallet, customer, kind.role):
        reason = REASON_CODES[Reason.POOL_NOT_SPENDABLE]
        builder.refuse(clock_ms, Carried(**about), customer.policy, digest, reason=reason, asked=asked)
        return
    if data.charge_id is None and kind.role is Role.SUBMIT:
        about["charge_id"] = event.id
    if counted is not None:
        builder.count(data.customer, counted)
    _add_row(builder, usage, customer, plan, price, Carried(**about), digest, clock_ms, wallet)


def _add_row(  # noqa: PLR0913, PLR0917  all that a row is made of
    builder: ChunkBuilder,
    usage: UsageInput,
    customer: Customer,
    plan: Plan,
    price: Price | int | None,
    carried: Carried,
    digest: str,
    clock_ms: int,
    wallet: str,
) -> None:
    data, kind, policy = usage.event.data, usage.kind, customer.policy
    has_limits = customer.settings is not None and customer.settings.limits
    acting = (data.user, data.campaign, data.sender) if has_limits else None
    amount = price.amount_micros if isinstance(price, Price) else NO_PRICE if price is None else price
    charge_on = _MOMENTS[price.charge_on] if isinstance(price, Price) else Moment.SENT.value
    deadline_ms = clock_ms + plan.hold_seconds[kind.channel or "broadcast"] * 1_000
    match kind.role:
        case Role.SUBMIT | Role.RECEIVED:
            several = price.recipients if isinstance(price, Price) else None
            charge = carried.charge_id if kind.role is Role.SUBMIT else None
            flags = Flag.RECEIVED.value if kind.role is Role.RECEIVED else 0
            flags |= Flag.FEATURE.value if kind.feature else 0
            flags |= Flag.SCHEDULED.value if data.scheduled else 0
            flags |= Flag.DRAFT.value if data.draft and kind.role is Role.SUBMIT else 0
            flags |= 0 if kind.broadcast or several else Flag.SINGLE.value
            flags |= Flag.REMEMBER.value if data.charge_id is not None else 0
            if kind.role is Role.RECEIVED:
                charge_on = Moment.SUBMIT.value
            elif kind.channel == "voice":
                charge_on = Moment.SENT.value  # a call is charged when it has ended
            builder.submit(
                clock_ms,
                carried,
                policy,
                digest,
                wallet=wallet,
                charge=charge,
                sender=data.sender,
                price=amount,
                charge_on=charge_on,
                deadline_at_ms=deadline_ms,
                failed_fee=price.failed_fee_micros if isinstance(price, Price) and not several else 0,
                flags=flags,
                recipients={to: one.amount_micros for to, one in several.items()} if several else None,
                call=_call_of(usage, customer, plan),
                acting=acting,
            )
        case Role.EXTEND:
            builder.extend(
                clock_ms,
                carried,
                policy,
                digest,
                wallet=wallet,
                charge=data.charge_id or "",
                sender=data.sender,
                seconds=data.seconds or 0,
                price=amount,
                deadline_at_ms=deadline_ms,
                acting=acting,
            )
        case Role.OUTCOME:
            builder.outcome(
                clock_ms,
                carried,
                policy,
                digest,
                wallet=wallet,
                charge=data.charge_id or "",
                moment=kind.moment,
                price=amount,
                charge_on=charge_on,
                actual=data.segments is not None and amount >= 0,
                to=recipient_of(data, customer.settings.country if customer.settings else None),
                acting=acting,
            )
        case Role.END:
            builder.end_call(
                clock_ms,
                carried,
                policy,
                digest,
                wallet=wallet,
                charge=data.charge_id or "",
                seconds=data.seconds or 0,
                price=amount,
                acting=acting,
            )
        case Role.RECORD:
            builder.record(
                clock_ms, carried, policy, digest, wallet=wallet, sender=data.sender, price=amount, acting=acting
            )
        case Role.ADJUST:
            builder.adjust_charge(
                clock_ms, carried, policy, digest, wallet=wallet, charge=data.adjusts or "", amount=amount
            )


def _price(  # noqa: PLR0911  one return for each way to come to a price
    usage: UsageInput, customer: Customer, plan: Plan
) -> Price | Refusal | int | None:
    """Return the price of an event: a priced one, an amount that the event brought, or None where it has none."""
    data, kind = usage.event.data, usage.kind
    if kind.role in (Role.RECORD, Role.ADJUST) and data.amount_micros is not None:
        return data.amount_micros
    equipment = customer.settings.equipment if customer.settings else ()
    if data.sender_type is not None and not is_sender_type_enabled(plan.file, data.sender_type, equipment):
        return Refusal("feature_disabled", f"{data.sender_type!r} needs equipment that the customer does not have")
    if kind.role is Role.OUTCOME and (kind.moment >= Moment.FAILED or not _can_price(data)):
        return None
    if kind.role in (Role.EXTEND, Role.END) and data.to is None:
        return None
    if len(recipients_of(data)) > RECIPIENTS_MAX:
        return Refusal("too_many", f"{len(recipients_of(data))} recipients; at most {RECIPIENTS_MAX}")
    try:
        to = numbers_of(data, customer.settings.country if customer.settings else None)
    except ValueError as error:
        return Refusal("invalid_number", str(error))
    channel = kind.channel or data.channel or "sms"
    if channel == "sms" and kind.direction == "outbound" and not kind.feature and len(to) == 1:
        return _price_text(data, plan, to[0], usage.time_ms)
    request = request_of(usage, to)
    priced = plan.price_hold(request) if kind.role is Role.SUBMIT else plan.price(request)
    if isinstance(priced, Price) and priced.amount_micros >= MICROS_LIMIT:
        return Refusal("amount_too_large", f"{priced.amount_micros} micro-units", priced.country)
    return priced


def _call_of(usage: UsageInput, customer: Customer, plan: Plan) -> CallTerms | None:
    """Return how a call that begins is priced to its end; None for what is no call to one."""
    data = usage.event.data
    if usage.kind.channel != "voice" or usage.kind.role is not Role.SUBMIT or len(recipients_of(data)) != 1:
        return None
    to = numbers_of(data, customer.settings.country if customer.settings else None)
    return plan.call_terms(request_of(usage, to), FIRST_SECONDS if data.seconds is None else data.seconds)


def request_of(usage: UsageInput, to: tuple[str, ...]) -> PriceRequest:
    """Return what a plan is asked for an event, for the numbers `to`."""
    data, kind = usage.event.data, usage.kind
    channel = kind.channel or data.channel or "sms"
    seconds = data.seconds
    if seconds is None and channel == "voice" and kind.role is Role.SUBMIT:
        seconds = FIRST_SECONDS
    return PriceRequest(
        channel=channel,
        to=to,
        at_ms=usage.time_ms,
        direction=kind.direction,
        feature=kind.feature,
        segments=data.segments,
        text=data.text,
        encoding=data.encoding,
        characters=data.characters,
        media=data.media,
        seconds=seconds,
        sender_type=data.sender_type,
        mcc_mnc=data.mcc_mnc,
        conversation_class=data.conversation_class,
        machine_detection=data.machine_detection,
    )


def _price_text(data: UsageData, plan: Plan, to: str, at_ms: int) -> Price | Refusal:
    """Price one text to one number: the hot path."""
    if data.segments is not None:
        segments, characters = data.segments, data.characters
    elif data.text is not None:
        counted = plan.count_segments(data.text)
        segments, characters = counted.segments, counted.characters
    else:
        return plan.price(
            PriceRequest(
                channel="sms",
                to=(to,),
                at_ms=at_ms,
                encoding=data.encoding,
                characters=data.characters,
                sender_type=data.sender_type,
                mcc_mnc=data.mcc_mnc,
            )
        )
    return plan.price_sms(to, segments, at_ms, data.sender_type, data.mcc_mnc, characters)


def _can_price(data: UsageData) -> bool:
    """Whether an outcome says enough to be priced by itself: where it went, and what it was."""
    sized = data.text is not None or data.segments is not None or data.characters is not None
    return data.to is not None and (sized or data.media is not None or data.conversation_class is not None)
