"""What can still be read of a dead letter's original. Leaves reading the topic to `dead_letters_reading`."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from metering.contracts.dead_letters import DeadLetter
from metering.contracts.partitioning import partition_of
from metering.ledger.keys import SKEW_MS
from metering.ledger.till import Windows


class _Data(Struct, frozen=True):
    customer: str = ""


class _Usage(Struct, frozen=True):
    data: _Data = _Data()
    time: datetime | None = None


_decode_usage = msgspec.json.Decoder(_Usage).decode
_decode_command = msgspec.json.Decoder(_Data).decode


def customer_of(letter: DeadLetter) -> str | None:
    """Return whose it is, as its value says, or else its key; None where neither can be read."""
    try:
        value = letter.value or b""
        customer = _decode_usage(value).data.customer if letter.topic == "usage" else _decode_command(value).customer
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        customer = ""
    try:
        customer = customer or (letter.key or b"").decode()
        customer.encode()
    except UnicodeError:
        return None
    return customer or None


def place_of(letter: DeadLetter, partitions: int) -> tuple[int, bytes | None]:
    """Return the partition and the key with which it is sent again: its customer's, and else those that it had."""
    customer = customer_of(letter)
    if customer is None:
        return letter.partition, letter.key
    return partition_of(customer, partitions), customer.encode()


def retry_until_ms(letter: DeadLetter, windows: Windows) -> int:
    """Return until when it may be sent again: as long as a repeat of it would be recognised.

    A usage event would come back `too_old` after that. A command tells no time of its own, so what counts is when it
    was written: whoever may have sent it again meanwhile, and was cut off before that was noted, did so later.
    """
    if letter.topic != "usage":
        return letter.timestamp_ms + windows.commands_ms - SKEW_MS
    try:
        at = _decode_usage(letter.value or b"").time
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        at = None
    if at is not None and at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    at_ms = letter.timestamp_ms if at is None else int(at.timestamp() * 1_000)
    return at_ms + windows.events_ms


def why_not_retried(letter: DeadLetter, windows: Windows, now_ms: int) -> str | None:
    """Return why it cannot be sent again, as a word; None where it can."""
    if letter.value is None:
        return "nothing_to_send"
    if now_ms > retry_until_ms(letter, windows):
        return "too_old"
    return None
