"""What the decoder makes of a record: an input, or a clear reason. Leaves random input to `test_decoding_fuzz`."""

from __future__ import annotations

import json

import pytest

from metering.contracts.commands import Tick, TopUp
from metering.contracts.reasons import DeadLetterReason
from metering.ledger.keys import SKEW_MS
from metering.worker.decoding import EVENT_BYTES_MAX, Rejected, UsageInput, decode_command, decode_usage, recipients_of
from metering.worker.event_kinds import EVENT_KINDS, Role
from tests.worker.records import DAY_MS, NOW_MS, command, usage_event

DEEP = b"[" * 900 + b"]" * 900


def with_field(value: bytes, raw: bytes, *, name: bytes = b"more") -> bytes:
    """Add an attribute of which the value is given as it stands on the wire."""
    return value[:-1] + b', "%s": %s}' % (name, raw)


REJECTED_EVENTS: dict[str, tuple[bytes | None, DeadLetterReason, str]] = {
    "nothing": (None, DeadLetterReason.EMPTY, "no value"),
    "empty": (b"", DeadLetterReason.EMPTY, "no value"),
    "cut_off_json": (usage_event()[:-1], DeadLetterReason.NOT_JSON, "truncated"),
    "two_documents": (usage_event() * 2, DeadLetterReason.NOT_JSON, "trailing"),
    "not_json": (b"sms.submitted;acme;1", DeadLetterReason.NOT_JSON, "malformed"),
    "not_a_number": (b"NaN", DeadLetterReason.NOT_JSON, "malformed"),
    "byte_order_mark": (b"\xef\xbb\xbf" + usage_event(), DeadLetterReason.NOT_JSON, "malformed"),
    "bad_utf8": (usage_event("QQ").replace(b"QQ", b"\xff\xfe"), DeadLetterReason.NOT_JSON, "decode"),
    "overlong_nul": (usage_event("QQ").replace(b"QQ", b"\xc0\x80"), DeadLetterReason.NOT_JSON, "decode"),
    "lone_surrogate_escaped": (usage_event("\ud800"), DeadLetterReason.NOT_JSON, "surrogate"),
    "lone_low_surrogate": (usage_event(customer="\udc00"), DeadLetterReason.NOT_JSON, "surrogate"),
    "lone_surrogate_in_bytes": (usage_event("QQ").replace(b"QQ", b"\xed\xa0\x80"), DeadLetterReason.NOT_JSON, "decode"),
    "raw_nul": (usage_event("QQ").replace(b"QQ", b"a\0b"), DeadLetterReason.NOT_JSON, "malformed"),
    "nested_beyond_reason": (
        with_field(usage_event(), b"[" * 50_000 + b"]" * 50_000),
        DeadLetterReason.NOT_JSON,
        "recursion",
    ),
    "null": (b"null", DeadLetterReason.INVALID, "object"),
    "array": (b"[]", DeadLetterReason.INVALID, "object"),
    "no_fields": (b"{}", DeadLetterReason.INVALID, "specversion"),
    "another_specversion": (usage_event().replace(b'"1.0"', b'"0.3"'), DeadLetterReason.INVALID, "$.specversion"),
    "no_customer": (usage_event(customer=None), DeadLetterReason.INVALID, "customer"),
    "customer_is_a_number": (usage_event(customer=7), DeadLetterReason.INVALID, "$.data.customer"),
    "customer_is_empty": (usage_event(customer=""), DeadLetterReason.INVALID, "$.data.customer"),
    "customer_is_too_long": (usage_event(customer="c" * 129), DeadLetterReason.INVALID, "$.data.customer"),
    "id_is_empty": (usage_event(""), DeadLetterReason.INVALID, "$.id"),
    "data_is_text": (
        b'{"specversion":"1.0","id":"1","source":"s","type":"sms.sent","time":"2026-01-01T00:00:00Z","data":"x"}',
        DeadLetterReason.INVALID,
        "$.data",
    ),
    "negative_segments": (usage_event(segments=-1), DeadLetterReason.INVALID, "$.data.segments"),
    "huge_segments": (usage_event(segments=10**9), DeadLetterReason.INVALID, "$.data.segments"),
    "segments_are_text": (usage_event(segments="1"), DeadLetterReason.INVALID, "$.data.segments"),
    "segments_are_true": (usage_event(segments=True), DeadLetterReason.INVALID, "$.data.segments"),
    "segments_are_a_fraction": (usage_event(segments=1.5), DeadLetterReason.INVALID, "$.data.segments"),
    "segments_are_infinite": (
        usage_event(segments=77).replace(b" 77", b" 1e999"),
        DeadLetterReason.INVALID,
        "$.data.segments",
    ),
    "amount_is_2_to_the_53": (
        usage_event(type="usage.recorded", amount_micros=2**53),
        DeadLetterReason.INVALID,
        "$.data.amount_micros",
    ),
    "amount_has_400_digits": (
        usage_event(type="usage.recorded", amount_micros=10**400),
        DeadLetterReason.INVALID,
        "$.data.amount_micros",
    ),
    "recorded_amount_is_negative": (
        usage_event(type="usage.recorded", amount_micros=-1),
        DeadLetterReason.INVALID,
        "must not be negative",
    ),
    "adjustment_is_nothing": (
        usage_event(type="charge.adjusted", adjusts="m-1", amount_micros=0),
        DeadLetterReason.INVALID,
        "must not be 0",
    ),
    "time_without_offset": (usage_event().replace(b"+00:00", b""), DeadLetterReason.INVALID, "$.time"),
    "time_is_a_number": (
        usage_event().replace(b'"2026-01-01T00:00:00+00:00"', b"1767225600"),
        DeadLetterReason.INVALID,
        "$.time",
    ),
    "unknown_channel": (
        usage_event(type="broadcast.submitted", channel="fax"),
        DeadLetterReason.INVALID,
        "$.data.channel",
    ),
    "network_code_is_a_word": (usage_event(mcc_mnc="spain"), DeadLetterReason.INVALID, "$.data.mcc_mnc"),
    "unknown_type": (usage_event(type="fax.submitted"), DeadLetterReason.UNKNOWN_TYPE, "fax.submitted"),
    "no_recipient": (usage_event(to=None), DeadLetterReason.MISSING_FIELD, "data.to"),
    "no_recipients": (usage_event(to=None, recipients=[]), DeadLetterReason.MISSING_FIELD, "data.to"),
    "outcome_of_nothing": (usage_event(type="sms.delivered"), DeadLetterReason.MISSING_FIELD, "data.charge_id"),
    "extension_by_nothing": (
        usage_event(type="voice.extended", charge_id="call"),
        DeadLetterReason.MISSING_FIELD,
        "data.seconds",
    ),
    "end_without_seconds": (
        usage_event(type="voice.ended", charge_id="call"),
        DeadLetterReason.MISSING_FIELD,
        "data.seconds",
    ),
    "recorded_without_amount": (
        usage_event(type="usage.recorded", to=None),
        DeadLetterReason.MISSING_FIELD,
        "data.amount_micros",
    ),
    "adjustment_of_nothing": (
        usage_event(type="charge.adjusted", amount_micros=5),
        DeadLetterReason.MISSING_FIELD,
        "data.adjusts",
    ),
    "nul_in_id": (usage_event("a\0b"), DeadLetterReason.NUL_CHARACTER, "U+0000"),
    "nul_in_customer": (usage_event(customer="ac\0me"), DeadLetterReason.NUL_CHARACTER, "U+0000"),
    "nul_among_recipients": (
        usage_event(to=None, recipients=["+34600000001", "+3460000\0"]),
        DeadLetterReason.NUL_CHARACTER,
        "U+0000",
    ),
    "one_megabyte": (usage_event(text="x" * 1_000_000), DeadLetterReason.TOO_LARGE, str(EVENT_BYTES_MAX)),
    "older_than_the_window": (usage_event(at_ms=NOW_MS - DAY_MS - 1), DeadLetterReason.TOO_OLD, f"{DAY_MS + 1} ms"),
    "from_the_year_1": (usage_event().replace(b"2026-", b"0001-"), DeadLetterReason.TOO_OLD, "before the log's"),
    "beyond_the_skew": (usage_event(at_ms=NOW_MS + SKEW_MS + 1), DeadLetterReason.IN_FUTURE, f"{SKEW_MS + 1} ms"),
    "from_the_year_9999": (usage_event().replace(b"2026-", b"9999-"), DeadLetterReason.IN_FUTURE, "after the log's"),
}


@pytest.mark.requirement("INF-03")
@pytest.mark.parametrize(("value", "reason", "detail"), REJECTED_EVENTS.values(), ids=REJECTED_EVENTS.keys())
def test_event_that_cannot_be_one_is_rejected_with_its_reason(
    value: bytes | None, reason: DeadLetterReason, detail: str
) -> None:
    decoded = decode_usage(value, NOW_MS, DAY_MS)
    assert isinstance(decoded, Rejected)
    assert decoded.reason == reason
    assert detail in decoded.detail


REJECTED_COMMANDS: dict[str, tuple[bytes | None, DeadLetterReason, str]] = {
    "nothing": (None, DeadLetterReason.EMPTY, "no value"),
    "not_json": (b"{", DeadLetterReason.NOT_JSON, "truncated"),
    "unknown_type": (command("give_me_money"), DeadLetterReason.UNKNOWN_TYPE, "give_me_money"),
    "no_type": (b'{"id":"1","customer":"acme","actor":"a"}', DeadLetterReason.INVALID, "type"),
    "no_actor": (b'{"type":"suspend","id":"1","customer":"acme"}', DeadLetterReason.INVALID, "actor"),
    "type_is_a_number": (command("suspend").replace(b'"suspend"', b"3"), DeadLetterReason.INVALID, "$.type"),
    "negative_top_up": (
        command("top_up", amount_micros=-1, unit="USD"),
        DeadLetterReason.INVALID,
        "$.amount_micros",
    ),
    "top_up_of_nothing": (command("top_up", amount_micros=0, unit="USD"), DeadLetterReason.INVALID, "$.amount_micros"),
    "top_up_of_2_to_the_53": (
        command("top_up", amount_micros=2**53, unit="USD"),
        DeadLetterReason.INVALID,
        "$.amount_micros",
    ),
    "lone_surrogate": (command("suspend", customer="\ud800"), DeadLetterReason.NOT_JSON, "surrogate"),
    "nul_in_reason": (command("suspend", reason="a\0b"), DeadLetterReason.NUL_CHARACTER, "U+0000"),
    "one_megabyte": (command("suspend", reason="x" * 1_000_000), DeadLetterReason.TOO_LARGE, str(EVENT_BYTES_MAX)),
    "country_in_lower_case": (command("open_customer", country="es"), DeadLetterReason.INVALID, "$.country"),
}


@pytest.mark.parametrize(("value", "reason", "detail"), REJECTED_COMMANDS.values(), ids=REJECTED_COMMANDS.keys())
def test_command_that_cannot_be_one_is_rejected_with_its_reason(
    value: bytes | None, reason: DeadLetterReason, detail: str
) -> None:
    decoded = decode_command(value)
    assert isinstance(decoded, Rejected)
    assert decoded.reason == reason
    assert detail in decoded.detail


@pytest.mark.parametrize(
    "raw",
    [
        DEEP,
        b'{"a": [1, {"b": null}]}',
        b"9" * 5_000,
        b"1e999",
        b'"\\u0000"',
        b'"\xff\xfe\\u0000"',
        b'"' + b"x" * 9_999 + b'"',
    ],
    ids=["deep", "nested", "5000_digits", "beyond_double", "nul", "bad_utf8_and_nul", "long"],
)
def test_field_that_nobody_reads_is_passed_over_whatever_is_in_it(raw: bytes) -> None:
    decoded = decode_usage(with_field(usage_event("a\\b"), raw), NOW_MS, DAY_MS)
    assert isinstance(decoded, UsageInput)
    assert decoded.event.id == "a\\b"


def test_words_of_an_escape_without_its_meaning_are_no_nul() -> None:
    decoded = decode_usage(usage_event("C:\\u0000"), NOW_MS, DAY_MS)
    assert isinstance(decoded, UsageInput)
    assert decoded.event.id == "C:\\u0000"


@pytest.mark.parametrize("at_ms", [NOW_MS - DAY_MS, NOW_MS + SKEW_MS])
def test_event_at_the_edge_of_the_window_is_an_input(at_ms: int) -> None:
    decoded = decode_usage(usage_event(at_ms=at_ms), NOW_MS, DAY_MS)
    assert isinstance(decoded, UsageInput)
    assert decoded.time_ms == at_ms


@pytest.mark.parametrize("event_type", sorted(EVENT_KINDS))
def test_every_known_type_with_every_field_is_an_input(event_type: str) -> None:
    value = usage_event(type=event_type, charge_id="m-1", seconds=60, amount_micros=5, adjusts="m-0")
    decoded = decode_usage(value, NOW_MS, DAY_MS)
    assert isinstance(decoded, UsageInput)
    assert decoded.kind == EVENT_KINDS[event_type]


def test_roles_of_types_cover_what_the_ledger_knows() -> None:
    assert {kind.role for kind in EVENT_KINDS.values()} == set(Role)


def test_recipient_named_twice_counts_once() -> None:
    decoded = decode_usage(usage_event(to=None, recipients=["+341", "+342", "+341"]), NOW_MS, DAY_MS)
    assert isinstance(decoded, UsageInput)
    assert recipients_of(decoded.event.data) == ("+341", "+342")


def test_commands_and_ticks_are_understood() -> None:
    assert decode_command(command("top_up", "c-9", amount_micros=2**53 - 1, unit="USD")) == TopUp(
        id="c-9", customer="acme", actor="tests", amount_micros=2**53 - 1, unit="USD"
    )
    assert decode_command(json.dumps({"type": "tick", "due_at_ms": NOW_MS}).encode()) == Tick(NOW_MS)
