"""Random usage events: such as compiled steps read, and such as they must leave. Leaves checks to the tests."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.worker.records import NOW_MS, time_of

# Names that need no escape, and a few that do, or are not ASCII, or empty, or too long.
plain_names = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"\\'), min_size=1)
names = plain_names.map(lambda name: name[:128]) | st.sampled_from(["ñandú", 'q"q', "a\\b", "", "x" * 128, "x" * 129])
usual_names = plain_names.map(lambda name: name[:128])
TYPES = ["sms.submitted", "sms.sent", "sms.delivered", "sms.failed", "sms.cancelled", "sms.expired"]
messages = st.text(max_size=20) | st.sampled_from(["Hello", "", "a\nb", "\u0000", "ñandú 😀", "\\u0000", '"'])
TIMES = [
    *("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123456+00:00", "2026-01-01T05:30:00.9+05:30"),
    *("2025-12-31T19:00:00.0001-05:00", "2025-12-31T12:00:00Z", "2025-12-31T23:59:59.999999Z"),
    *("2026-01-01T00:00:60Z", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-01-01 00:00:00Z"),
    *("2026-01-01T00:00:00.1234567Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00.Z", "2024-01-01T00:00:00Z"),
]

data_fields = {
    "to": st.sampled_from(["+34600000001", "+12025550101", "601", "", "+" + "3" * 32]),
    "segments": st.sampled_from([0, 1, 3, 255, 10_000_000, 10_000_001, -1, 1.0, "1"]),
    "characters": st.sampled_from([0, 40, 900]),
    "text": messages,
    "charge_id": names,
    "sender": names,
    "user": names,
    "campaign": names,
    "on_behalf_of": names,
    "reply_to": names,
    "sender_type": st.sampled_from(["long_code", "short_code", "toll_free", "alphanumeric", "mobile"]),
    "mcc_mnc": st.sampled_from(["21401", "214011", "2140", "2140x", "2140111"]),
    "encoding": st.sampled_from(["gsm7", "ucs2", "utf8"]),
    "scheduled": st.booleans(),
    "draft": st.booleans(),
    "wallet": st.just("marketing"),
    "recipients": st.just(["+34600000001"]),
    "amount_micros": st.integers(1, 9),
    "unknown": st.none() | st.just({"deep": [1]}),
}
any_data = st.fixed_dictionaries(
    {"customer": usual_names | names},
    optional={name: st.none() | values for name, values in data_fields.items()},
)
usual_data = st.fixed_dictionaries(
    {"customer": usual_names, "to": st.just("+34600000001"), "charge_id": usual_names},
    optional={
        "segments": st.none() | st.integers(0, 10_000_000),
        "characters": st.integers(0, 900),
        "text": messages,
        "sender": st.none() | usual_names,
        "user": usual_names,
        "campaign": usual_names,
        "on_behalf_of": usual_names,
        "reply_to": usual_names,
        "sender_type": st.sampled_from(["long_code", "toll_free"]),
        "mcc_mnc": st.just("21401"),
        "encoding": st.just("gsm7"),
        "scheduled": st.booleans(),
    },
)
any_event = st.fixed_dictionaries(
    {
        "specversion": st.sampled_from(["1.0", "1.0", "1.0", "0.3"]),
        "id": usual_names | names,
        "source": usual_names,
        "type": st.sampled_from([*TYPES, "voice.started", "sms"]),
        "time": st.sampled_from(TIMES),
        "data": any_data,
    },
    optional={
        "subject": st.none() | names,
        "datacontenttype": st.none() | st.just("application/json"),
        "traceparent": st.just("00-1"),
    },
)
usual_event = st.fixed_dictionaries(
    {
        "specversion": st.just("1.0"),
        "id": usual_names,
        "source": usual_names,
        "type": st.sampled_from(TYPES),
        "time": st.datetimes().map(lambda _: time_of(NOW_MS)) | st.sampled_from(TIMES[:6]),
        "data": usual_data,
    },
    optional={"subject": usual_names, "datacontenttype": st.none()},
)


@st.composite
def written(draw: st.DrawFn, events: st.SearchStrategy[dict[str, Any]]) -> bytes:
    """An event as JSON, its fields in any order, with and without spaces and escapes."""
    event = draw(events)
    event["data"] = dict(draw(st.permutations(list(event["data"].items()))))
    event = dict(draw(st.permutations(list(event.items()))))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:\r")]))
    return json.dumps(event, ensure_ascii=draw(st.booleans()), separators=separators).encode()


@st.composite
def damaged(draw: st.DrawFn, values: st.SearchStrategy[bytes]) -> bytes:
    """Some JSON of which a few bytes are others, gone, or there twice."""
    value = draw(values)
    for _ in range(draw(st.integers(1, 3))):
        at, length = draw(st.integers(0, len(value))), draw(st.integers(0, 12))
        new = draw(st.binary(max_size=2) | st.sampled_from([b'"', b"\\", b"{", b"}", b",", b":", b"0", b".", b"null"]))
        value = value[:at] + draw(st.sampled_from([new, value[at : at + length] * 2])) + value[at + length :]
    return value
