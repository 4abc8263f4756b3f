"""The order in which a bucket's two topics become one. Leaves what the records say to the decoder."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from metering.worker.merging import InputQueue, InputTopic
from tests.worker.records import NOW_MS, record

pytestmark = pytest.mark.requirement("INF-02")


def taken(queue: InputQueue) -> list[tuple[InputTopic, int]]:
    """All that can be taken now: topic and offset of each."""
    found = []
    while (upcoming := queue.take()) is not None:
        found.append((upcoming.topic, upcoming.record.offset))
    return found


def test_older_head_goes_first() -> None:
    queue = InputQueue()
    queue.add("usage", [record(b"", 0, timestamp=10), record(b"", 1, timestamp=30)])
    queue.add("commands", [record(b"", 0, timestamp=20), record(b"", 1, timestamp=40)])
    assert [queue.take(), queue.take(), queue.take()][-1] is not None
    assert taken(queue) == []
    queue.note_end("usage", at_end=True)
    assert taken(queue) == [("commands", 1)]


def test_command_goes_before_an_event_of_the_same_age() -> None:
    queue = InputQueue()
    queue.add("usage", [record(b"", 0, timestamp=10)])
    queue.add("commands", [record(b"", 0, timestamp=10)])
    queue.note_end("commands", at_end=True)
    assert taken(queue) == [("commands", 0), ("usage", 0)]


@pytest.mark.parametrize(("topic", "other"), [("usage", "commands"), ("commands", "usage")])
def test_other_topic_counts_as_later_only_once_it_is_read_to_its_end(topic: InputTopic, other: InputTopic) -> None:
    queue = InputQueue()
    queue.add(topic, [record(b"", 0)])
    assert queue.peek() is None
    assert queue.take() is None
    queue.note_end(other, at_end=True)
    assert taken(queue) == [(topic, 0)]


def test_backlog_read_late_still_goes_before_a_fresh_command() -> None:
    queue = InputQueue()
    queue.add("commands", [record(b"", 0, timestamp=NOW_MS)])
    assert queue.take() is None
    queue.add("usage", [record(b"", 0, timestamp=NOW_MS - 5_000)])
    queue.note_end("commands", at_end=True)
    queue.note_end("usage", at_end=True)
    assert taken(queue) == [("usage", 0), ("commands", 0)]


def test_record_read_twice_is_taken_once() -> None:
    queue = InputQueue()
    queue.note_end("commands", at_end=True)
    queue.add("usage", [record(b"", 0), record(b"", 1)])
    queue.add("usage", [record(b"", 1), record(b"", 2)])
    assert taken(queue) == [("usage", 0), ("usage", 1), ("usage", 2)]


def test_reset_forgets_what_waits_and_what_was_known_of_the_ends() -> None:
    queue = InputQueue()
    queue.add("usage", [record(b"", 7)])
    queue.note_end("commands", at_end=True)
    queue.reset(5, 3)
    queue.add("usage", [record(b"", 4), record(b"", 5)])
    assert (len(queue), queue.waiting("usage"), queue.take()) == (1, 1, None)
    queue.note_end("commands", at_end=True)
    assert taken(queue) == [("usage", 5)]


def test_queue_is_idle_only_when_both_topics_are_read_to_their_ends_and_nothing_waits() -> None:
    queue = InputQueue()
    idle = [queue.is_idle]
    queue.note_end("usage", at_end=True)
    idle.append(queue.is_idle)
    queue.note_end("commands", at_end=True)
    idle.append(queue.is_idle)
    queue.add("usage", [record(b"", 0)])
    idle.append(queue.is_idle)
    assert idle == [False, False, True, False]


@given(st.lists(st.integers(0, 50), max_size=12), st.lists(st.integers(0, 50), max_size=12), st.randoms())
def test_order_is_the_logs_however_the_reads_are_cut(usage: list[int], commands: list[int], random: object) -> None:
    usage.sort()
    commands.sort()
    records = {
        "usage": [record(b"", n, timestamp=at) for n, at in enumerate(usage)],
        "commands": [record(b"", n, timestamp=at) for n, at in enumerate(commands)],
    }
    queue = InputQueue()
    order: list[tuple[InputTopic, int]] = []
    read = {"usage": 0, "commands": 0}
    topics: tuple[InputTopic, InputTopic] = ("usage", "commands")
    while len(order) < len(usage) + len(commands):
        for topic in topics:
            more = random.randint(0, 3)  # type: ignore[attr-defined]  # hypothesis hands out random.Random
            queue.add(topic, records[topic][read[topic] : read[topic] + more])
            read[topic] = min(len(records[topic]), read[topic] + more)
            queue.note_end(topic, at_end=read[topic] == len(records[topic]))
        order += taken(queue)
    expected = sorted(
        [(at, 1, "usage", n) for n, at in enumerate(usage)] + [(at, 0, "commands", n) for n, at in enumerate(commands)]
    )
    assert order == [(topic, offset) for _, _, topic, offset in expected]


def test_bytes_that_wait_are_those_of_the_batches_that_are_not_taken_whole() -> None:
    queue = InputQueue()
    queue.note_end("commands", at_end=True)
    queue.add("usage", [record(b"12345", 0), record(b"123", 1)])
    queue.add("usage", [record(b"123", 1), record(b"1234567", 2), record(None, 3)])
    assert (queue.bytes_waiting("usage"), queue.bytes_waiting("commands")) == (15, 0)
    queue.take()
    assert queue.bytes_waiting("usage") == 15
    queue.take()
    assert queue.bytes_waiting("usage") == 7
    assert [offset for _, offset in taken(queue)] == [2, 3]
    assert queue.bytes_waiting("usage") == 0
    queue.add("usage", [record(b"1", 4)])
    queue.reset(4, 0)
    assert queue.bytes_waiting("usage") == 0
