"""A chunk never mixes two versions of the rates, and how the stream is cut changes no price."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from metering.contracts.entries import Position
from metering.contracts.reasons import DeadLetterReason
from metering.worker.chunking import ChunkTaker
from metering.worker.merging import InputQueue
from tests.worker.records import CREATE_TIME, DAY_MS, NOW_MS, record, usage_event
from tests.worker.test_chunking import ACME, PARTITIONS
from tests.worker.test_rates_timeline import publication, timeline_of

OFFSETS = (-5, 0, 5)
TIMELINE = timeline_of([publication(number, NOW_MS + at, number) for number, at in enumerate(OFFSETS)])


def cut(stamps: list[int | None], events_max: int) -> list[tuple[int, str | None]]:
    """Take the whole stream in chunks; None is a record that cannot be an input. Each input with its version."""
    queue = InputQueue()
    values = [
        record(b"{" if at is None else usage_event(f"e-{n}"), n, timestamp=NOW_MS + (at or 0))
        for n, at in enumerate(stamps)
    ]
    queue.add("usage", values)
    queue.note_end("commands", at_end=True)
    taker = ChunkTaker(ACME, PARTITIONS, DAY_MS, events_max)
    position, clock_ms = Position(0, 0), 0
    found: list[tuple[int, str | None]] = []
    while (upcoming := queue.peek()) is not None:
        first_ms = max(clock_ms, upcoming.record.timestamp)
        in_force = TIMELINE.at(first_ms)
        chunk = taker.take(queue, position, clock_ms, NOW_MS, *TIMELINE.span(first_ms))
        assert chunk is not None
        version = in_force.manifest.version if in_force else None
        for one in chunk.inputs:
            assert TIMELINE.at(one.clock_ms) == in_force
            found.append((one.offset, version))
            clock_ms = one.clock_ms
        position = chunk.end
    assert position == Position(len(stamps), 0)
    return found


@pytest.mark.requirement("INF-08")
@given(st.lists(st.none() | st.integers(-8, 8), max_size=30), st.integers(1, 7))
def test_how_the_stream_is_cut_changes_no_version(stamps: list[int | None], events_max: int) -> None:
    whole = cut(stamps, 400)
    assert whole == cut(stamps, events_max) == cut(stamps, 1)
    clock = -100
    expected = []
    for offset, at in enumerate(stamps):
        if at is not None:
            clock = max(clock, at)
            reached = [number for number, moment in enumerate(OFFSETS) if moment <= clock]
            expected.append((offset, f"{reached[-1]:012x}" if reached else None))
    assert expected == whole


@pytest.mark.parametrize("stamp_ms", [2**53, 2**63 - 1])
def test_record_stamped_at_the_end_of_time_is_taken_and_refused(stamp_ms: int) -> None:
    queue = InputQueue()
    queue.add("usage", [record(usage_event(), timestamp=stamp_ms, timestamp_type=CREATE_TIME)])
    queue.note_end("commands", at_end=True)
    chunk = ChunkTaker(ACME, PARTITIONS, DAY_MS, 400).take(queue, Position(0, 0), 0, NOW_MS, *TIMELINE.span(stamp_ms))
    assert chunk is not None
    assert [("usage", DeadLetterReason.IN_FUTURE)] == chunk.rejected
