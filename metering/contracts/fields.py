"""Field types that every contract shares: identifiers, amounts, numbers. Leaves messages to their own modules."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

MICROS_LIMIT = 2**53
"""Amounts stay below this in absolute value: Lua numbers are doubles, exact only up to 2^53."""

RECIPIENTS_MAX = 1_000
"""Most recipients of one event; above it the event is refused as `too_many`."""

MAIN_WALLET = "main"
"""The wallet that a customer has from the start: the company pool."""

Identifier = Annotated[str, Meta(min_length=1, max_length=128)]
"""A name chosen by the other side. Opaque, compared byte by byte; the character U+0000 is refused while decoding."""

Micros = Annotated[int, Meta(gt=-MICROS_LIMIT, lt=MICROS_LIMIT)]
"""A signed amount in micro-units (10^-6 of the wallet's unit)."""

PositiveMicros = Annotated[int, Meta(gt=0, lt=MICROS_LIMIT)]
"""An amount greater than zero, in micro-units."""

AssignedMicros = Annotated[int, Meta(ge=0, lt=MICROS_LIMIT)]
"""An amount that may be zero, in micro-units."""

Count = Annotated[int, Meta(ge=0, le=10_000_000)]
"""A quantity: seconds, characters, segments, media, numbers."""

Address = Annotated[str, Meta(min_length=1, max_length=32)]
"""Where a message goes to: E.164 with a leading `+`, or what the rating's normalisation accepts."""

MccMnc = Annotated[str, Meta(pattern=r"^[0-9]{5,6}$")]
"""Mobile country and network code, ITU-T E.212: three digits of country, two or three of network."""

Label = Annotated[str, Meta(max_length=50)]
"""What people call something: at most 50 characters, whatever they take as bytes. Empty: none."""

Unit = Annotated[str, Meta(min_length=1, max_length=16)]
"""The unit of a wallet: an ISO 4217 currency code or `credit`."""

PhoneNumber = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{4,14}$")]
"""A number of the customer's own, in E.164."""

NumberType = Literal["long_code", "short_code", "toll_free"]
SenderType = Literal["long_code", "short_code", "toll_free", "alphanumeric"]
Encoding = Literal["gsm7", "ucs2"]
ConversationClass = Literal["free", "business_initiated", "user_initiated"]
