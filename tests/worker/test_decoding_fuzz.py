"""Random bytes and random JSON never raise out of the decoder. Leaves which reason fits to `test_decoding`."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings, strategies as st

from metering.contracts.command_header import CommandHeader
from metering.contracts.commands import Tick
from metering.contracts.dead_letters import DeadLetter
from metering.worker.decoding import Rejected, UsageInput, decode_command, decode_usage
from metering.worker.event_kinds import EVENT_KINDS
from metering.worker.outputs import dead_letter
from tests.worker.records import DAY_MS, NOW_MS, command, usage_event

# Characters that break careless code: NUL, lone surrogates, astral ones, escapes.
TEXTS = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(["\0", "\ud800", "😀", "\\u0000"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
JSON_VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)
EVENT_FIELDS = ["specversion", "id", "source", "type", "time", "data", "subject", "more"]
DATA_FIELDS = ["customer", "to", "recipients", "text", "segments", "seconds", "amount_micros", "charge_id", "reply_to"]
COMMAND_FIELDS = ["type", "id", "customer", "actor", "amount_micros", "unit", "plan", "reason", "level_micros"]


def check_answered(decoded: object, value: bytes) -> None:
    """Either an input with whole texts, or a reason that can itself be written to the dead letters."""
    if isinstance(decoded, Rejected):
        assert decoded.detail
        letter = DeadLetter(
            reason=decoded.reason,
            detail=decoded.detail,
            topic="usage",
            partition=0,
            offset=0,
            timestamp_ms=NOW_MS,
            value=value,
        )
        written = dead_letter(letter).value
        assert written is not None
        assert json.loads(written)["reason"] == decoded.reason
    elif isinstance(decoded, UsageInput):
        assert decoded.event.type in EVENT_KINDS
        assert decoded.event.data.customer.encode()
        assert "\0" not in decoded.event.id + decoded.event.source + decoded.event.data.customer
    else:
        assert isinstance(decoded, CommandHeader | Tick)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_answered(value: bytes) -> None:
    check_answered(decode_usage(value, NOW_MS, DAY_MS), value)
    check_answered(decode_command(value), value)


@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(st.sampled_from(EVENT_FIELDS), JSON_VALUES, max_size=3),
    st.dictionaries(st.sampled_from(DATA_FIELDS), JSON_VALUES, max_size=3),
    st.sampled_from(sorted(EVENT_KINDS)),
)
def test_event_with_random_fields_is_answered(event: dict[str, Any], data: dict[str, Any], event_type: str) -> None:
    whole = json.loads(usage_event(type=event_type))
    whole["data"] |= data
    value = json.dumps(whole | event).encode()
    check_answered(decode_usage(value, NOW_MS, DAY_MS), value)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from(COMMAND_FIELDS), JSON_VALUES, max_size=4),
    st.sampled_from(["open_customer", "top_up", "set_plan", "set_alert", "suspend", "block_sender", "adjust", "tick"]),
)
def test_command_with_random_fields_is_answered(fields: dict[str, Any], command_type: str) -> None:
    value = json.dumps(json.loads(command(command_type)) | fields).encode()
    check_answered(decode_command(value), value)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 200), st.binary(min_size=1, max_size=4), st.integers(0, 3))
def test_event_with_bytes_changed_is_answered(at: int, changed: bytes, removed: int) -> None:
    whole = usage_event("a\0b" if removed else "ab")
    value = whole[:at] + changed + whole[at + removed :]
    check_answered(decode_usage(value, NOW_MS, DAY_MS), value)
