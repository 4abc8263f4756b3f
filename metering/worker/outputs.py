"""What an entry tells the world besides itself: decisions, answers, alerts, the list of blocks.

Leaves sending to `sending`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from metering.contracts.alerts import Alert, AlertData, BlockRecord, block_key
from metering.contracts.dead_letters import DeadLetter, letter_key
from metering.contracts.decisions import Answer, AnswerLeg, Decision
from metering.contracts.entries import AlertRaised, BlockChange, EventReference
from metering.contracts.reasons import AlertType, Kind
from metering.contracts.topics import Topic
from metering.ledger.made import EntryMade
from metering.ledger.stored import read_answer
from metering.worker.plain_decisions import plain_decision

_encode = msgspec.json.Encoder().encode


class Output(NamedTuple):
    """One record to write. `partition` None: the bucket's own."""

    topic: Topic
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


def decision_of(made: EntryMade) -> Output | None:
    """Return the decision that an entry carries; None where nobody asked for one."""
    value = decision_value(made)
    return Output(Topic.DECISIONS, made.carried.customer.encode(), value) if value is not None else None


def decision_value(made: EntryMade) -> bytes | None:
    """Return the decision that an entry carries as it is sent; its key is the customer."""
    event = made.carried.event
    if not made.result.decision or event is None:
        return None
    return _encode(plain_decision(made) or any_decision(made, event))


def any_decision(made: EntryMade, event: EventReference) -> Decision:
    """Return the decision of an entry that has one, whatever else is in it; `event` is the one that asked."""
    effect, about = made.effect, made.carried
    charge, part = effect.charge, effect.granted
    is_draft = part is not None and part.of == "credit"
    granted = None if is_draft else part
    return Decision(
        id=made.digest,
        source=event.source,
        event_id=event.id,
        customer=about.customer,
        charge_id=about.charge_id,
        outcome=effect.decision,  # type: ignore[arg-type]
        reason=effect.reason,
        unit=about.unit,
        price_micros=_price_of(made),
        granted=granted.count if granted else None,
        asked=granted.asked if granted else None,
        final=granted is not None,
        shortfall_micros=part.asked - part.count if part and is_draft else None,
        available_micros=effect.after.available_micros if effect.after else None,
        expires_at_ms=(charge.deadline_at_ms or None) if charge else None,
        duplicate=effect.kind is Kind.DUPLICATE,
        entry=_first_entry(made),
        applied_at_ms=about.applied_at_ms,
    )


def _price_of(made: EntryMade) -> int | None:
    """Return what was asked, or of a part grant what that costs; of its repeat, which moves nothing, None."""
    effect = made.effect
    if effect.granted is None or effect.granted.of == "credit":
        return made.carried.price_micros if effect.price_micros is None else effect.price_micros
    return effect.held_change_micros - effect.amount_micros if effect.wallet else None


def side_outputs(made: EntryMade) -> list[Output]:
    """Return what an entry tells on the side topics: its answer, its alerts, its blocks, in this order."""
    about = made.carried
    if made.result.extras is False and about.command is None and about.reply_to is None:
        return []
    effect = made.effect
    outputs: list[Output] = []
    if not made.is_timer and (about.command is not None or (about.reply_to and about.event is not None)):
        outputs.append(_answer(made))
    if not effect.alerts and not effect.blocks:
        return outputs
    for number, alert in enumerate(_alerts(made)):
        outputs.append(Output(Topic.ALERTS, alert.subject.encode(), _numbered(alert, effect.id, number)))
    outputs += [_block_record(made, change) for change in effect.blocks]
    return outputs


def dead_letter(letter: DeadLetter) -> Output:
    """Return a dead letter as a record, keyed by where the original stands."""
    key = letter_key(letter.topic, letter.partition, letter.offset).encode()
    return Output(Topic.DEAD_LETTERS, key, _encode(letter), partition=0)


def _first_entry(made: EntryMade) -> str:
    effect = made.effect
    return f"{effect.bucket}-{effect.duplicate_of}" if effect.duplicate_of else effect.id


def _answer(made: EntryMade) -> Output:
    effect, about = made.effect, made.carried
    reason, wallet, amount, after = effect.reason, effect.wallet, effect.amount_micros, effect.after
    legs = tuple(AnswerLeg(leg.wallet, leg.amount_micros, leg.after) for leg in effect.legs)
    refused, allotment = effect.kind is Kind.REFUSED, effect.allotment
    if about.command is not None:
        first = made.result.more().first_answer
        if first is not None:
            known = read_answer(first)
            reason, wallet, amount, after = known.reason, known.wallet, known.amount_micros, known.after
            # A refusal touches no wallet; what was done may have a reason too, such as `refund`.
            refused, legs, allotment = reason is not None and wallet is None, known.legs, known.allotment
        identity, kind, outcome = about.command.id, about.command.type, "refused" if refused else "done"
    else:
        event = about.event
        identity = made.digest
        kind = event.type if event else ""
        outcome = effect.decision or ("denied" if effect.kind is Kind.DENIED else "done")
    answer = Answer(
        id=identity,
        type=kind,
        customer=about.customer,
        reply_to=about.reply_to,
        outcome=outcome,  # type: ignore[arg-type]
        reason=reason,
        wallet=wallet,
        unit=about.unit,
        amount_micros=amount,
        after=after,
        legs=legs,
        allotment=allotment,
        entry=_first_entry(made),
        duplicate=effect.kind is Kind.DUPLICATE,
    )
    return Output(Topic.ANSWERS, (about.reply_to or about.customer).encode(), _encode(answer), partition=0)


def _alerts(made: EntryMade) -> list[Alert]:
    effect, about = made.effect, made.carried
    # What is available in the wallet that it is about; None stands for the entry's own.
    available = {leg.wallet: leg.after.available_micros for leg in effect.legs} if effect.legs else {}
    own = effect.after.available_micros if effect.after else None
    found = [
        (
            raised.type,
            AlertData(
                customer=about.customer,
                wallet=raised.wallet or effect.wallet,
                unit=about.unit,
                available_micros=_judged(raised, available, own),
                rule=raised.rule or None,
                level_micros=raised.level_micros if raised.rule else None,
                shortfall_micros=raised.level_micros if raised.type is AlertType.CREDIT_SHORT else None,
                user=raised.user or None,
                lot=raised.rule if raised.type is AlertType.LOT_EXPIRING else None,
                charge_id=about.charge_id if raised.type is AlertType.HOLD_EXPIRED else None,
                entry=effect.id,
            ),
        )
        for raised in effect.alerts
    ]
    for change in effect.blocks:
        if change.changed:
            kind = AlertType.SENDER_BLOCKED if change.blocked else AlertType.SENDER_UNBLOCKED
            data = AlertData(
                customer=about.customer,
                wallet=change.wallet or change.leg or effect.wallet,
                unit=about.unit,
                available_micros=available.get(change.leg) if change.leg else own,
                level=change.level,
                id=change.id,
                reason=str(change.reason),
                needed_micros=change.needed_micros or None,
                until_ms=change.until_ms or None,
                entry=effect.id,
            )
            found.append((kind, data))
    time = datetime.fromtimestamp(about.applied_at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    stamp = f"{time}.{about.applied_at_ms % 1000:03d}Z"
    source = f"/metering/buckets/{effect.bucket}"
    return [
        Alert(id="", source=source, type=kind, time=stamp, subject=about.customer, data=data) for kind, data in found
    ]


def _judged(raised: AlertRaised, available: dict[str, int], own: int | None) -> int | None:
    """Return what an alert is about: a user's total, or what is available in a wallet."""
    if raised.total_micros is not None:
        return raised.total_micros
    return available[raised.wallet] if raised.wallet else own


def _numbered(alert: Alert, entry_id: str, number: int) -> bytes:
    return msgspec.structs.replace(alert, id=f"{entry_id}:{number}").encode()


def _block_record(made: EntryMade, change: BlockChange) -> Output:
    about = made.carried
    key = block_key(about.customer, change.level, change.id)
    if not change.blocked:
        return Output(Topic.BLOCKED_SENDERS, key, None)
    record = BlockRecord(
        customer=about.customer,
        level=change.level,
        id=change.id,
        reason=str(change.causes[0]),
        causes=change.causes,
        wallet=change.wallet or None,
        needed_micros=change.needed_micros or None,
        until_ms=change.until_ms or None,
        since_ms=change.since_ms,
        entry=made.effect.id,
    )
    return Output(Topic.BLOCKED_SENDERS, key, _encode(record))
