"""Turns a record into an input, or into the reason why it cannot be one; never raises. Leaves prices to `rating`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from metering.contracts.commands import Command, CommandRecord, Tick
from metering.contracts.events import UsageData, UsageEvent
from metering.contracts.reasons import DeadLetterReason
from metering.ledger.keys import SKEW_MS
from metering.worker.event_kinds import EVENT_KINDS, EventKind, missing_field, wrong_amount

EVENT_BYTES_MAX = 256 * 1024
"""1,000 recipients and a text of 255 segments take about 80 KiB; what is larger is a mistake."""

_decode_event = msgspec.json.Decoder(UsageEvent).decode
_decode_command = msgspec.json.Decoder(CommandRecord).decode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_BACKSLASH = ord("\\")


class Rejected(Struct, frozen=True):
    """A record that cannot become an input: it goes to the dead letters."""

    reason: DeadLetterReason
    detail: str


class UsageInput(Struct, frozen=True, gc=False):
    """A usage event that can be understood."""

    event: UsageEvent
    kind: EventKind
    time_ms: int


def decode_usage(  # noqa: PLR0911  one return for each reason
    value: bytes | None, timestamp_ms: int, window_ms: int
) -> UsageInput | Rejected:
    """Return the usage event in a record that was logged at `timestamp_ms`, or why there is none.

    Older than `window_ms` before its log time it is `too_old`: its repeats could no longer be recognised. Further ahead
    of it than the allowed skew it is `in_future`, for the same reason.
    """
    if not value:
        return Rejected(DeadLetterReason.EMPTY, "the record has no value")
    if len(value) > EVENT_BYTES_MAX:
        return Rejected(DeadLetterReason.TOO_LARGE, f"{len(value)} bytes; at most {EVENT_BYTES_MAX} are read")
    try:
        event = _decode_event(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        return _undecodable(error)
    # One byte is sought much quicker than six, and few events have it.
    if _BACKSLASH in value and b"\\u0000" in value and _has_nul(msgspec.to_builtins(event)):
        return Rejected(DeadLetterReason.NUL_CHARACTER, "a text contains U+0000")
    kind = EVENT_KINDS.get(event.type)
    if kind is None:
        return Rejected(DeadLetterReason.UNKNOWN_TYPE, f"no usage event is called {event.type!r}")
    data = event.data
    # Most have the one field that they need, which is seen at once; the rest is for the full look.
    has_all = (kind.needs_to and data.to) or (kind.needs_charge and data.charge_id)
    if not has_all or data.amount_micros is not None:
        problem = _problem(event, kind)
        if problem is not None:
            return problem
    time_ms = (event.time - _EPOCH) // _MILLISECOND
    if time_ms < timestamp_ms - window_ms:
        return Rejected(
            DeadLetterReason.TOO_OLD,
            f"time is {timestamp_ms - time_ms} ms before the log's; repeats are recognised for {window_ms} ms",
        )
    if time_ms > timestamp_ms + SKEW_MS:
        return Rejected(DeadLetterReason.IN_FUTURE, f"time is {time_ms - timestamp_ms} ms after the log's")
    return UsageInput(event, kind, time_ms)


def decode_command(value: bytes | None) -> Command | Tick | Rejected:
    """Return the command or tick in a record, or why there is none."""
    if not value:
        return Rejected(DeadLetterReason.EMPTY, "the record has no value")
    if len(value) > EVENT_BYTES_MAX:
        return Rejected(DeadLetterReason.TOO_LARGE, f"{len(value)} bytes; at most {EVENT_BYTES_MAX} are read")
    try:
        command: Command | Tick = _decode_command(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        return _undecodable(error)
    if b"\\u0000" in value and _has_nul(msgspec.to_builtins(command)):
        return Rejected(DeadLetterReason.NUL_CHARACTER, "a text contains U+0000")
    return command


def recipients_of(data: UsageData) -> tuple[str, ...]:
    """Return whom an event is for; a recipient named twice counts once."""
    if data.recipients:
        return tuple(dict.fromkeys(data.recipients))
    return (data.to,) if data.to else ()


def _problem(event: UsageEvent, kind: EventKind) -> Rejected | None:
    """Return what keeps an event that could be read from being understood."""
    missing = missing_field(kind, event.data)
    if missing:
        return Rejected(DeadLetterReason.MISSING_FIELD, f"{event.type} needs data.{missing}")
    wrong = wrong_amount(kind, event.data)
    return Rejected(DeadLetterReason.INVALID, wrong) if wrong else None


def _undecodable(error: Exception) -> Rejected:
    detail = str(error)[:500]
    if isinstance(error, msgspec.ValidationError):
        if "Invalid value" in detail and "`$.type`" in detail:
            return Rejected(DeadLetterReason.UNKNOWN_TYPE, detail)
        return Rejected(DeadLetterReason.INVALID, detail)
    return Rejected(DeadLetterReason.NOT_JSON, detail)


def _has_nul(value: Any) -> bool:
    """Look through what was understood.

    Fields that nobody reads are passed over: they may be anything, of any depth.
    """
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(item) for item in value.values())
    return isinstance(value, list | tuple) and any(_has_nul(item) for item in value)
