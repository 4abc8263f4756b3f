"""Compiled steps read of an event what the general way reads, or leave it: nothing that it refuses, or otherwise."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from metering import native
from metering.contracts.partitioning import partition_of
from metering.ledger.identity import event_digest
from metering.worker.compiled_inputs import make_reader
from metering.worker.decoding import EVENT_BYTES_MAX, UsageInput, decode_usage
from tests.native.paths import needs_compiled
from tests.native.usual_events import any_event, damaged, usual_event, written
from tests.worker.records import DAY_MS, NOW_MS, record, time_of, usage_event

pytestmark = needs_compiled


def read(value: bytes | None, timestamp_ms: int = NOW_MS) -> Any:
    """What compiled steps read; None where they leave it."""
    with native.forced(is_on=True):
        reader = make_reader(0, 1, DAY_MS)
    assert reader is not None
    return reader.read(value, timestamp_ms)


def check_read(value: bytes, timestamp_ms: int = NOW_MS) -> bool:
    """Hold what was read to the general way; return whether anything was."""
    event = read(value, timestamp_ms)
    if event is None:
        return False
    understood = decode_usage(value, timestamp_ms, DAY_MS)
    assert isinstance(understood, UsageInput), understood
    whole, data, seen = understood.event, understood.event.data, event.seen()
    for name in ("id", "source", "type"):
        assert seen.pop(name) == getattr(whole, name)
    assert seen.pop("time_ms") == understood.time_ms
    assert event.customer == data.customer
    assert {name: getattr(data, name) for name in seen} == seen
    # What it does not look at must not matter: all else of the event is as if it were not there.
    unseen = {name: getattr(data, name) for name in data.__struct_fields__ if name not in seen}
    assert {name: value for name, value in unseen.items() if value} in ({}, {"encoding": data.encoding})
    assert event.content == understood
    return True


@settings(max_examples=500)
@given(written(any_event))
def test_random_event_is_read_as_the_general_way_reads_it_or_left(value: bytes) -> None:
    check_read(value)


@settings(max_examples=300)
@given(written(usual_event))
def test_usual_event_is_read(value: bytes) -> None:
    is_text_with_nul = "\0" in (json.loads(value)["data"].get("text") or "")
    assert check_read(value) or is_text_with_nul


@settings(max_examples=1_000)
@given(damaged(written(usual_event)))
def test_damaged_event_is_read_as_the_general_way_reads_it_or_left(value: bytes) -> None:
    check_read(value)


@settings(max_examples=300)
@given(st.binary(max_size=100))
def test_random_bytes_are_left(value: bytes) -> None:
    assert read(value) is None


@settings(max_examples=500)
@given(st.datetimes(), st.integers(-23 * 60, 23 * 60), st.integers(0, 6), st.booleans())
def test_time_is_read_to_the_millisecond(moment: Any, zone: int, digits: int, is_utc: bool) -> None:
    sign, (hours, minutes) = "-" if zone < 0 else "+", divmod(abs(zone), 60)
    fraction = f".{moment.microsecond:06d}"[: digits + 1] if digits else ""
    zone_name = "Z" if is_utc else f"{sign}{hours:02d}:{minutes:02d}"
    text = f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + fraction + zone_name
    value = usage_event().replace(time_of(NOW_MS).encode(), text.encode())
    understood = decode_usage(value, NOW_MS, 10**15)
    timestamp_ms = understood.time_ms if isinstance(understood, UsageInput) else NOW_MS

    assert check_read(value, timestamp_ms) == (2000 <= moment.year <= 2099 and isinstance(understood, UsageInput))


LEFT = [
    {"draft": True},
    {"recipients": ["+34600000001"]},
    {"wallet": "marketing"},
    {"type": "voice.started"},
    {"type": "sms.sent"},
    {"to": None},
    {"customer": "ñandú"},
    {"text": "a\0b"},
    {"amount_micros": 1},
    {"unknown": 1},
]


@pytest.mark.parametrize("fields", LEFT, ids=str)
def test_event_that_is_not_usual_is_left(fields: dict[str, Any]) -> None:
    assert read(usage_event(**fields)) is None


@pytest.mark.parametrize("value", [None, b"", b" " * (EVENT_BYTES_MAX + 1), usage_event() + b" x", b"\xef\xbb\xbf{}"])
def test_value_that_is_no_event_is_left(value: bytes | None) -> None:
    assert read(value) is None


def test_value_of_the_greatest_size_is_read() -> None:
    value = usage_event()
    assert read(value + b" " * (EVENT_BYTES_MAX - len(value))) is not None
    assert read(value + b" " * (EVENT_BYTES_MAX - len(value) + 1)) is None


@pytest.mark.parametrize("beyond_ms", [DAY_MS, -(10**9)])
def test_event_of_another_time_is_left_where_the_general_way_refuses_it(beyond_ms: int) -> None:
    at = [NOW_MS + beyond_ms - 1, NOW_MS + beyond_ms, NOW_MS + beyond_ms + 1]
    general = [isinstance(decode_usage(usage_event(), moment, DAY_MS), UsageInput) for moment in at]
    assert [read(usage_event(), moment) is not None for moment in at] == general


@settings(max_examples=300)
@given(
    st.text(st.characters(max_codepoint=0x7F), max_size=256), st.text(st.characters(max_codepoint=0x7F), max_size=256)
)
def test_digest_is_the_one_of_the_ledger(source: str, event_id: str) -> None:
    assert native.digests.digest_of(f"{source}\0{event_id}".encode()) == event_digest(source, event_id)


@settings(max_examples=200)
@given(st.text(st.characters(min_codepoint=0x23, max_codepoint=0x5B), min_size=1, max_size=40), st.integers(1, 50))
def test_event_of_another_bucket_stays_in_the_queue(customer: str, partitions: int) -> None:
    mine = partition_of(customer, partitions)
    for bucket in {mine, (mine + 1) % partitions}:
        with native.forced(is_on=True):
            reader = make_reader(bucket, partitions, DAY_MS)
        assert reader is not None
        records, inputs = deque([record(usage_event(customer=customer))]), list[Any]()
        taken = reader.take(records, inputs, 5, 0, 0, 0, 2**62, 2**62, 2**62)
        assert (taken, len(records), len(inputs)) == ((1, 0, 1) if bucket == mine else (0, 1, 0))
