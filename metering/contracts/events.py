"""Usage events: what the sending pipeline tells or asks, as CloudEvents 1.0. Leaves prices to `rating`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct

from metering.contracts.fields import (
    Address,
    ConversationClass,
    Count,
    Encoding,
    Identifier,
    MccMnc,
    Micros,
    SenderType,
)


class EventType(StrEnum):
    """Every type of usage event that is understood."""

    SMS_SUBMITTED = "sms.submitted"
    MMS_SUBMITTED = "mms.submitted"
    VOICE_STARTED = "voice.started"
    BROADCAST_SUBMITTED = "broadcast.submitted"
    CONVERSATION_STARTED = "conversation.started"
    SMS_SENT = "sms.sent"
    MMS_SENT = "mms.sent"
    BROADCAST_SENT = "broadcast.sent"
    CONVERSATION_SENT = "conversation.sent"
    SMS_DELIVERED = "sms.delivered"
    MMS_DELIVERED = "mms.delivered"
    BROADCAST_DELIVERED = "broadcast.delivered"
    CONVERSATION_DELIVERED = "conversation.delivered"
    SMS_FAILED = "sms.failed"
    MMS_FAILED = "mms.failed"
    VOICE_FAILED = "voice.failed"
    BROADCAST_FAILED = "broadcast.failed"
    CONVERSATION_FAILED = "conversation.failed"
    SMS_CANCELLED = "sms.cancelled"
    MMS_CANCELLED = "mms.cancelled"
    VOICE_CANCELLED = "voice.cancelled"
    BROADCAST_CANCELLED = "broadcast.cancelled"
    CONVERSATION_CANCELLED = "conversation.cancelled"
    SMS_EXPIRED = "sms.expired"
    MMS_EXPIRED = "mms.expired"
    VOICE_EXPIRED = "voice.expired"
    BROADCAST_EXPIRED = "broadcast.expired"
    CONVERSATION_EXPIRED = "conversation.expired"
    VOICE_EXTENDED = "voice.extended"
    VOICE_ENDED = "voice.ended"
    SMS_RECEIVED = "sms.received"
    MMS_RECEIVED = "mms.received"
    VOICE_RECEIVED = "voice.received"
    VOICE_FORWARDED = "voice.forwarded"
    VOICEMAIL_RECORDED = "voicemail.recorded"
    VOICEMAIL_TRANSCRIBED = "voicemail.transcribed"
    SMS_REPROCESSED = "sms.reprocessed"
    USAGE_RECORDED = "usage.recorded"
    CHARGE_ADJUSTED = "charge.adjusted"


class UsageData(Struct, frozen=True, omit_defaults=True, gc=False):
    """The `data` of a usage event. Which fields a type needs stands in docs/events.md.

    Amounts are micro-units of the wallet's unit, `seconds` are whole seconds, `text` is Unicode.
    """

    customer: Identifier
    user: Identifier | None = None
    wallet: Identifier | None = None
    on_behalf_of: Identifier | None = None
    sender: Identifier | None = None
    sender_type: SenderType | None = None
    channel: Literal["sms", "mms", "voice", "conversation"] | None = None
    """What a broadcast or `usage.recorded` is made of; `sms` when it is not said."""
    to: Address | None = None
    recipients: tuple[Address, ...] | None = None
    mcc_mnc: MccMnc | None = None
    text: Annotated[str, Meta(max_length=65_536)] | None = None
    encoding: Encoding | None = None
    characters: Count | None = None
    segments: Count | None = None
    media: Count | None = None
    seconds: Count | None = None
    charge_id: Identifier | None = None
    """Ties the events of one message together; the event's own `id` where a submission leaves it out."""
    campaign: Identifier | None = None
    scheduled: bool = False
    draft: bool = False
    """Of a submission: it is not sent yet. The answer says what it would cost and what is missing; nothing is held."""
    machine_detection: bool = False
    conversation_class: ConversationClass | None = None
    amount_micros: Micros | None = None
    """`usage.recorded`: the price where it is known. `charge.adjusted`: what the charge changes by, plus = dearer."""
    adjusts: Identifier | None = None
    """`charge.adjusted`: the `charge_id` of the charge that is corrected."""
    reply_to: Identifier | None = None


class UsageEvent(Struct, frozen=True, omit_defaults=True, gc=False):
    """A usage event in the JSON format of CloudEvents 1.0; `source` + `id` is the idempotency key.

    Source: CloudEvents specification 1.0.2, https://github.com/cloudevents/spec.
    """

    specversion: Literal["1.0"]
    id: Annotated[str, Meta(min_length=1, max_length=256)]
    source: Annotated[str, Meta(min_length=1, max_length=256)]
    type: Annotated[str, Meta(min_length=1, max_length=64)]
    time: Annotated[datetime, Meta(tz=True)]
    data: UsageData
    subject: str | None = None
    datacontenttype: str | None = None
