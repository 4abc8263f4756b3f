"""What each column of a deck or surcharge table may hold, and its typed value.

Leaves rules between columns to `deck`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, get_args

from metering.rating.money import parse_micros
from metering.rating.rows import ChargeOn, Direction, Per, SenderType
from metering.rating.segments import Segmenting

RATE_CHANNELS: Final = ("sms", "mms", "voice", "conversation")
SURCHARGES: Final = {
    "carrier_fee": ("sms", "mms"),
    "machine_detection": ("voice",),
    "voicemail_recording": ("voice",),
    "voicemail_transcription": ("voice",),
    "reprocessing": ("sms",),
    "number_rental": ("number",),
}
CONVERSATION_CLASSES: Final = ("free", "business_initiated", "user_initiated")
# What a price may be for, by channel; the first is what an empty `per` would most likely mean, but it is never guessed.
PER_BY_CHANNEL: Final = {
    "sms": ("segment", "message", "recipient"),
    "mms": ("recipient", "message"),
    "voice": ("minute", "second", "call"),
    "conversation": ("conversation",),
    "number": ("month", "cycle"),
}
# A billing increment beyond an hour is a slip of the pen.
INCREMENT_SECONDS_MAX: Final = 3600
# E.164 numbers have at most 15 digits.
PREFIX_DIGITS_MAX: Final = 15

_PREFIX = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)
_MCC_MNC = re.compile(r"([0-9]{3})(?:-?([0-9]{2,3}))?", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}|001", re.ASCII)

Parser = Callable[[str], object]


def _choice(*allowed: str, default: str | None = None) -> Parser:
    def parse(text: str) -> str:
        if text in allowed:
            return text
        if not text and default is not None:
            return default
        message = f"{text!r} is none of {', '.join(allowed)}"
        raise ValueError(message)

    return parse


def _sender_type(text: str) -> str | None:
    if text in ("", "any"):
        return None
    if text in get_args(SenderType):
        return text
    message = f"{text!r} is none of any, {', '.join(get_args(SenderType))}"
    raise ValueError(message)


def _prefix(text: str) -> str | None:
    """`None` when the column is empty, `""` for `*` (any number), else the prefix with its plus sign."""
    if text == "":
        return None
    if text == "*":
        return ""
    digits = text.removeprefix("+")
    if not _PREFIX.fullmatch(digits):
        message = f"{text!r} is neither 1 to {PREFIX_DIGITS_MAX} digits of an international number nor *"
        raise ValueError(message)
    return f"+{digits}"


def parse_mcc_mnc(text: str) -> str | None:
    """Read `310-260`, `310260` or `310` (the whole country) as digits; empty is None. Raises ValueError."""
    if text == "":
        return None
    match = _MCC_MNC.fullmatch(text)
    if match is None:
        message = f"{text!r} is not an MCC-MNC such as 310-260, nor an MCC"
        raise ValueError(message)
    return match[1] + (match[2] or "")


def _country(text: str) -> str:
    if text and not _COUNTRY.fullmatch(text):
        message = f"{text!r} is not a two-letter ISO 3166 code, nor 001 for the whole world"
        raise ValueError(message)
    return text


def _conversation_class(text: str) -> str | None:
    if text and text not in CONVERSATION_CLASSES:
        message = f"{text!r} is none of {', '.join(CONVERSATION_CLASSES)}"
        raise ValueError(message)
    return text or None


def _seconds(text: str) -> int | None:
    if text == "":
        return None
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= INCREMENT_SECONDS_MAX):
        message = f"{text!r} is not a number of seconds from 1 to {INCREMENT_SECONDS_MAX}"
        raise ValueError(message)
    return int(text)


def _optional_micros(text: str) -> int | None:
    return parse_micros(text) if text else None


def _flag(text: str) -> bool:
    if text in ("yes", "true"):
        return True
    if text in ("", "no", "false"):
        return False
    message = f"{text!r} is neither yes nor no"
    raise ValueError(message)


def _text(text: str) -> str:
    return text


_SEGMENTING: Final = _choice(*get_args(Segmenting), default="gsm7_ucs2")
_SHARED: Final[dict[str, Parser]] = {
    "direction": _choice(*get_args(Direction)),
    "sender_type": _sender_type,
    "prefix": _prefix,
    "mcc_mnc": parse_mcc_mnc,
    "destination": _text,
    "country": _country,
    "price": _optional_micros,
    "per": _choice(*get_args(Per), default=""),
    # Days, hours and dates need the deck's time zone and each other; `deck` reads them.
    "effective_from": _text,
    "effective_to": _text,
}
DECK_COLUMNS: Final[dict[str, Parser]] = {
    "channel": _choice(*RATE_CHANNELS),
    **_SHARED,
    "conversation_class": _conversation_class,
    "first": _seconds,
    "next": _seconds,
    "connect_fee": _optional_micros,
    "minimum": _optional_micros,
    "charge_on": _choice(*get_args(ChargeOn), default=""),
    "failed_fee": _optional_micros,
    "segmenting": _SEGMENTING,
    "days": _text,
    "hours": _text,
    "reject": _flag,
}
SURCHARGE_COLUMNS: Final[dict[str, Parser]] = {
    "surcharge": _choice(*SURCHARGES),
    "channel": _choice(*RATE_CHANNELS, "number"),
    **_SHARED,
    "direction": _choice(*get_args(Direction), default=""),
    "segmenting": _SEGMENTING,
}
DECK_REQUIRED: Final = ("channel", "direction", "price", "per")
SURCHARGE_REQUIRED: Final = ("surcharge", "channel", "price", "per")
