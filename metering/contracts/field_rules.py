"""Which fields of `data` each type of usage event needs. Leaves what the fields are worth to `rating` and `ledger`."""

from __future__ import annotations

from msgspec import Struct

from metering.contracts.events import EventType

Alternatives = tuple[tuple[str, ...], ...]
"""Any one of these groups of fields will do; of a group, all are needed."""


class FieldRule(Struct, frozen=True):
    """What events of some types need, what they may carry besides, and what they do."""

    types: tuple[EventType, ...]
    effect: str
    needs: tuple[Alternatives, ...]
    may: tuple[str, ...] = ()


EVERY_TYPE_MAY = ("user", "wallet", "on_behalf_of", "campaign", "reply_to")
"""Kept with the entry, or naming who pays and who wants the answer; of no type in particular."""

_TO_ANY: Alternatives = (("to",), ("recipients",))
_CHARGE: Alternatives = (("charge_id",),)
_SECONDS: Alternatives = (("seconds",),)
_SIZE = ("text", "segments", "encoding", "characters")
_SENDING = ("sender", "sender_type", "mcc_mnc", "charge_id", "scheduled")
_ASKING = (*_SENDING, "draft")

FIELD_RULES: tuple[FieldRule, ...] = (
    FieldRule(
        (EventType.SMS_SUBMITTED,),
        "Asks: reserves the price, or debits it where the rate row charges on `submit`. The size is its `text`, its"
        " `segments`, or `encoding` and `characters`; without any it is denied `invalid_quantity`.",
        (_TO_ANY,),
        (*_ASKING, *_SIZE),
    ),
    FieldRule(
        (EventType.MMS_SUBMITTED,),
        "Asks: as above, by message and recipient.",
        (_TO_ANY,),
        (*_ASKING, "text", "media"),
    ),
    FieldRule(
        (EventType.VOICE_STARTED,),
        "Asks: reserves the first increment, or `seconds`.",
        (_TO_ANY,),
        (*_ASKING, "seconds", "machine_detection"),
    ),
    FieldRule(
        (EventType.BROADCAST_SUBMITTED,),
        "Asks: reserves for all recipients or none. Its `channel` says what it is made of. As any submission"
        " may be, it is a `draft` where it only asks what it would cost, and what is missing.",
        (_TO_ANY,),
        (*_ASKING, "channel", *_SIZE, "media", "seconds", "machine_detection"),
    ),
    FieldRule(
        (EventType.CONVERSATION_STARTED,), "Asks: reserves the window.", (_TO_ANY,), (*_ASKING, "conversation_class")
    ),
    FieldRule(
        (
            *(EventType.SMS_SENT, EventType.MMS_SENT, EventType.BROADCAST_SENT, EventType.CONVERSATION_SENT),
            *(EventType.SMS_DELIVERED, EventType.MMS_DELIVERED),
            *(EventType.BROADCAST_DELIVERED, EventType.CONVERSATION_DELIVERED),
        ),
        "Commits the charge once this is the moment that its rate row charges on. `segments` is what was really sent;"
        " with the fields of its submission it is charged even where the submission was never seen.",
        (_CHARGE,),
        ("to", "sender", "sender_type", "mcc_mnc", *_SIZE, "media"),
    ),
    FieldRule(
        (
            *(EventType.SMS_FAILED, EventType.MMS_FAILED, EventType.VOICE_FAILED),
            *(EventType.BROADCAST_FAILED, EventType.CONVERSATION_FAILED),
            *(EventType.SMS_CANCELLED, EventType.MMS_CANCELLED, EventType.VOICE_CANCELLED),
            *(EventType.BROADCAST_CANCELLED, EventType.CONVERSATION_CANCELLED),
            *(EventType.SMS_EXPIRED, EventType.MMS_EXPIRED, EventType.VOICE_EXPIRED),
            *(EventType.BROADCAST_EXPIRED, EventType.CONVERSATION_EXPIRED),
        ),
        "Releases the hold, or keeps the plan's fee for failed messages. `to` names one of several recipients.",
        (_CHARGE,),
        ("to", "sender"),
    ),
    FieldRule(
        (EventType.VOICE_EXTENDED,),
        "Asks: reserves `seconds` more and sets the deadline anew. Priced as the call's beginning was; `to` matters"
        " only where that is not known.",
        (_CHARGE, _SECONDS),
        ("to", "sender", "sender_type", "mcc_mnc"),
    ),
    FieldRule(
        (EventType.VOICE_ENDED,),
        "Commits the `seconds` used, releases the rest, debits an excess. Priced as the call's beginning was; with `to`"
        " it is charged even where that was never seen.",
        (_CHARGE, _SECONDS),
        ("to", "sender", "sender_type", "mcc_mnc", "machine_detection"),
    ),
    FieldRule(
        (EventType.SMS_RECEIVED, EventType.MMS_RECEIVED, EventType.SMS_REPROCESSED),
        "Debits at once, a zero price included. `to` is the customer's own number.",
        (_TO_ANY,),
        ("sender", "sender_type", "mcc_mnc", *_SIZE, "media"),
    ),
    FieldRule(
        (EventType.VOICE_RECEIVED, EventType.VOICE_FORWARDED),
        "Debits at once. `to` is the customer's own number, of a forwarded call the number that it went to.",
        (_TO_ANY,),
        ("sender", "sender_type", "mcc_mnc", "seconds"),
    ),
    FieldRule(
        (EventType.VOICEMAIL_RECORDED, EventType.VOICEMAIL_TRANSCRIBED),
        "Debits at once. `to` is the customer's own number.",
        (_TO_ANY,),
        ("sender", "sender_type", "mcc_mnc", "seconds"),
    ),
    FieldRule(
        (EventType.USAGE_RECORDED,),
        "Already happened: debits `amount_micros`, or else its price, even beyond what is there.",
        ((("amount_micros",), ("to",), ("recipients",)),),
        (*_SENDING, "channel", *_SIZE, "media", "seconds"),
    ),
    FieldRule(
        (EventType.CHARGE_ADJUSTED,),
        "Corrects the charge `adjusts` by `amount_micros`: plus makes it dearer, minus gives credit back.",
        ((("amount_micros",),), (("adjusts",),)),
        ("sender",),
    ),
)


def describe_alternatives(alternatives: Alternatives) -> str:
    """Return alternatives in words: "text or segments or encoding and characters"."""
    return " or ".join(" and ".join(group) for group in alternatives)
