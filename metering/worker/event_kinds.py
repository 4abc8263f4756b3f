"""What each type of usage event is to the ledger: its channel, its role, and the fields it cannot do without."""

from __future__ import annotations

from enum import Enum, auto
from typing import Literal

from msgspec import Struct

from metering.contracts.events import EventType, UsageData
from metering.ledger.codes import Moment

Channel = Literal["sms", "mms", "voice", "conversation"]
Feature = Literal["forwarded", "voicemail_recorded", "voicemail_transcribed", "reprocessed"]


class Role(Enum):
    """What an event asks of the ledger."""

    SUBMIT = auto()
    EXTEND = auto()
    OUTCOME = auto()
    END = auto()
    RECEIVED = auto()
    RECORD = auto()
    ADJUST = auto()


class EventKind(Struct, frozen=True):
    """One type of usage event. `channel` None: the event's own `channel`, else sms."""

    role: Role
    channel: Channel | None
    moment: Moment = Moment.SUBMIT
    feature: Feature | None = None
    direction: Literal["outbound", "inbound", "forwarded"] = "outbound"
    broadcast: bool = False
    needs_to: bool = False
    needs_charge: bool = False
    """`to`, or `charge_id`, is all that it cannot do without."""


_CHANNELS: dict[str, Channel | None] = {
    "sms": "sms",
    "mms": "mms",
    "voice": "voice",
    "broadcast": None,
    "conversation": "conversation",
}
_OUTCOMES = {
    "sent": Moment.SENT,
    "delivered": Moment.DELIVERED,
    "failed": Moment.FAILED,
    "cancelled": Moment.CANCELLED,
    "expired": Moment.EXPIRED,
}


def _kind_of(event_type: EventType) -> EventKind:
    subject, _, verb = event_type.value.partition(".")
    channel = _CHANNELS.get(subject)
    if verb in _OUTCOMES:
        return EventKind(Role.OUTCOME, channel, _OUTCOMES[verb], broadcast=subject == "broadcast", needs_charge=True)
    return EventKind(Role.SUBMIT, channel, broadcast=subject == "broadcast", needs_to=True)


EVENT_KINDS: dict[str, EventKind] = {event_type.value: _kind_of(event_type) for event_type in EventType} | {
    "voice.extended": EventKind(Role.EXTEND, "voice"),
    "voice.ended": EventKind(Role.END, "voice"),
    "sms.received": EventKind(Role.RECEIVED, "sms", direction="inbound"),
    "mms.received": EventKind(Role.RECEIVED, "mms", direction="inbound"),
    "voice.received": EventKind(Role.RECEIVED, "voice", direction="inbound"),
    "voice.forwarded": EventKind(Role.RECEIVED, "voice", feature="forwarded", direction="forwarded"),
    "voicemail.recorded": EventKind(Role.RECEIVED, "voice", feature="voicemail_recorded"),
    "voicemail.transcribed": EventKind(Role.RECEIVED, "voice", feature="voicemail_transcribed"),
    "sms.reprocessed": EventKind(Role.RECEIVED, "sms", feature="reprocessed"),
    "usage.recorded": EventKind(Role.RECORD, None),
    "charge.adjusted": EventKind(Role.ADJUST, None),
}


def missing_field(kind: EventKind, data: UsageData) -> str | None:
    """Return which field an event of this kind cannot do without and does not have; None when nothing is missing."""
    match kind.role:
        case Role.SUBMIT | Role.RECEIVED:
            return None if data.to or data.recipients else "to"
        case Role.OUTCOME:
            return None if data.charge_id else "charge_id"
        case Role.EXTEND | Role.END:
            for name in ("charge_id", "seconds"):
                if getattr(data, name) is None:
                    return name
        case Role.RECORD:
            return None if data.amount_micros is not None or data.to or data.recipients else "amount_micros"
        case Role.ADJUST:
            for name in ("adjusts", "amount_micros"):
                if getattr(data, name) is None:
                    return name
    return None


def wrong_amount(kind: EventKind, data: UsageData) -> str | None:
    """Return what is wrong with an event's own amount; None when nothing is."""
    if kind.role is Role.RECORD and data.amount_micros is not None and data.amount_micros < 0:
        return "amount_micros of usage.recorded must not be negative; a credit is a charge.adjusted"
    if kind.role is Role.ADJUST and data.amount_micros == 0:
        return "amount_micros of charge.adjusted must not be 0"
    return None
