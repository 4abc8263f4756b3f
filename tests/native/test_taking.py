"""Compiled steps take a bucket's records as they are taken one by one: the same inputs, letters and positions."""

from __future__ import annotations

from typing import Any

from aiokafka import ConsumerRecord
from hypothesis import given, settings, strategies as st

from metering import native
from metering.contracts.entries import Position
from metering.worker.chunking import ChunkTaker
from metering.worker.merging import InputQueue
from metering.worker.rates_timeline import BEGINNING_MS, END_MS
from tests.native.paths import needs_compiled
from tests.worker.records import CREATE_TIME, DAY_MS, HOUR_MS, LOG_APPEND_TIME, NOW_MS, command, record, usage_event

pytestmark = needs_compiled

values = st.sampled_from(
    [
        *[usage_event(f"e-{number}", customer=name) for number, name in enumerate(["acme", "acne", "emca", "x"])],
        usage_event(customer="acme", text="ñandú"),
        usage_event(customer="ñandú"),
        usage_event(type="voice.started"),
        usage_event(to=None),
        usage_event(at_ms=NOW_MS - 2 * DAY_MS),
        b"{",
        None,
    ]
)
stamps = st.integers(0, 3).map(lambda hours: NOW_MS + hours * 11 * HOUR_MS) | st.integers(NOW_MS, NOW_MS + 5)
kinds = st.sampled_from([LOG_APPEND_TIME, LOG_APPEND_TIME, CREATE_TIME])
usages = st.lists(st.tuples(values, stamps, kinds), max_size=12)
commands = st.lists(
    st.tuples(st.sampled_from([command("top_up"), command("set_plan", plan="p"), command("tick", due_ms=1)]), stamps),
    max_size=2,
)


def looked_at(taken: Any) -> Any:
    """All of a taken chunk, its inputs in the general way's words."""
    if taken is None:
        return None
    inputs = [(one.topic, one.offset, one.clock_ms, one.after, one.content, one.customer) for one in taken.inputs]
    return taken.start, taken.end, taken.sides, taken.forwarded, taken.rejected, inputs


def chunks(
    events: list[tuple[bytes | None, int, int]],
    orders: list[tuple[bytes, int]],
    bounds: tuple[int, int, int, bool],
    *,
    is_on: bool,
) -> list[Any]:
    """The chunks that come of some records."""
    events_max, from_ms, until_ms, at_end = bounds
    queue = InputQueue()
    queue.reset(0, 0)
    stamped = [
        record(value, n, timestamp=at, timestamp_type=stamp_type) for n, (value, at, stamp_type) in enumerate(events)
    ]
    queue.add("usage", stamped)
    read: list[ConsumerRecord[bytes, bytes]] = [
        record(value, n, timestamp=at, topic="commands") for n, (value, at) in enumerate(orders)
    ]
    queue.add("commands", read)
    queue.note_end("usage", at_end=True)
    queue.note_end("commands", at_end=at_end)
    with native.forced(is_on=is_on):
        taker = ChunkTaker(0, 2, DAY_MS, events_max)
    position, clock_ms, found = Position(0, 0), NOW_MS, []
    while (taken := taker.take(queue, position, clock_ms, NOW_MS + HOUR_MS, from_ms, until_ms)) is not None:
        position = taken.end
        clock_ms = taken.inputs[-1].clock_ms if taken.inputs else clock_ms
        found.append(looked_at(taken))
    return [*found, len(queue)]


@settings(max_examples=600)
@given(
    usages,
    commands,
    st.tuples(
        st.integers(1, 8),
        st.sampled_from([BEGINNING_MS, NOW_MS, NOW_MS + 1]),
        st.sampled_from([END_MS, NOW_MS + 3, NOW_MS + 12 * HOUR_MS]),
        st.booleans(),
    ),
)
def test_chunks_are_those_that_are_taken_one_record_after_the_other(
    events: list[tuple[bytes | None, int, int]],
    orders: list[tuple[bytes, int]],
    bounds: tuple[int, int, int, bool],
) -> None:
    events.sort(key=lambda one: one[1])
    orders.sort(key=lambda one: one[1])

    assert chunks(events, orders, bounds, is_on=True) == chunks(events, orders, bounds, is_on=False)
