"""What is taken for one chunk, and what is sorted out on the way. Leaves pricing to `test_event_inputs`."""

from __future__ import annotations

import json

import pytest

from metering.contracts.commands import OpenCustomer, Tick
from metering.contracts.entries import Position
from metering.contracts.partitioning import partition_of
from metering.contracts.reasons import DeadLetterReason
from metering.contracts.topics import Topic
from metering.ledger.keys import SKEW_MS, SLOT_MS
from metering.worker.chunking import FORWARDED, ChunkTaker, TakenChunk, customers_in
from metering.worker.decoding import UsageInput
from metering.worker.merging import InputQueue
from tests.worker.records import CREATE_TIME, DAY_MS, NOW_MS, command, record, usage_event

PARTITIONS = 4
ACME = partition_of("acme", PARTITIONS)
START = Position(0, 0)


def queue_of(*usage: bytes | None, commands: tuple[bytes, ...] = ()) -> InputQueue:
    """A queue in which both topics are read to their ends; commands come one second later."""
    queue = InputQueue()
    queue.add("usage", [record(value, n) for n, value in enumerate(usage)])
    queue.add("commands", [record(value, n, timestamp=NOW_MS + 1_000) for n, value in enumerate(commands)])
    queue.note_end("usage", at_end=True)
    queue.note_end("commands", at_end=True)
    return queue


def take(queue: InputQueue, *, events_max: int = 400, clock_ms: int = 0, now_ms: int = NOW_MS) -> TakenChunk | None:
    """Take the first chunk of acme's bucket."""
    return ChunkTaker(ACME, PARTITIONS, DAY_MS, events_max).take(queue, START, clock_ms, now_ms)


def test_nothing_to_take_gives_no_chunk() -> None:
    assert take(queue_of()) is None


def test_chunk_ends_after_its_most_events() -> None:
    chunk = take(queue_of(*[usage_event(f"e-{n}") for n in range(5)]), events_max=3)
    assert chunk is not None
    assert (chunk.start, chunk.end, chunk.records) == (START, Position(3, 0), 3)
    assert [one.after for one in chunk.inputs] == [Position(1, 0), Position(2, 0), Position(3, 0)]


@pytest.mark.parametrize("changing", [command("open_customer"), command("set_plan", plan="payg-usd")])
def test_command_that_changes_prices_ends_its_chunk(changing: bytes) -> None:
    queue = queue_of(usage_event(), commands=(changing, command("suspend", "c-2")))
    chunk = take(queue)
    assert chunk is not None
    assert chunk.end == Position(1, 1)
    assert len(queue) == 1


def test_commands_that_change_no_price_share_a_chunk() -> None:
    commands = (command("top_up", "c-1", amount_micros=5, unit="USD"), command("suspend", "c-2"))
    chunk = take(queue_of(commands=commands))
    assert chunk is not None
    assert chunk.end == Position(0, 2)


def test_chunk_spans_at_most_two_slots_of_the_window() -> None:
    slot = NOW_MS // SLOT_MS * SLOT_MS
    queue = InputQueue()
    times = [slot, slot + 2 * SLOT_MS - 1, slot + 2 * SLOT_MS]
    queue.add("usage", [record(usage_event(f"e-{n}", at_ms=at), n, timestamp=at) for n, at in enumerate(times)])
    queue.note_end("commands", at_end=True)
    taker = ChunkTaker(ACME, PARTITIONS, DAY_MS, 400)
    first = taker.take(queue, START, 0, NOW_MS + DAY_MS)
    assert first is not None
    assert first.end == Position(2, 0)
    second = taker.take(queue, first.end, first.inputs[-1].clock_ms, NOW_MS + DAY_MS)
    assert second is not None
    assert second.end == Position(3, 0)


def test_clock_never_runs_backwards() -> None:
    queue = InputQueue()
    stamps = [NOW_MS + 5, NOW_MS, NOW_MS + 3]
    queue.add("usage", [record(usage_event(f"e-{n}"), n, timestamp=at) for n, at in enumerate(stamps)])
    queue.note_end("commands", at_end=True)
    chunk = take(queue, clock_ms=NOW_MS + 4)
    assert chunk is not None
    assert [one.clock_ms for one in chunk.inputs] == [NOW_MS + 5] * 3


def test_tick_is_an_input_of_no_customer() -> None:
    chunk = take(queue_of(usage_event(), commands=(b'{"type":"tick","due_at_ms":5}',)))
    assert chunk is not None
    assert [type(one.content) for one in chunk.inputs] == [UsageInput, Tick]
    assert customers_in(chunk.inputs) == ["acme"]


def test_rejected_record_becomes_a_dead_letter_and_the_next_one_an_input() -> None:
    chunk = take(queue_of(b"{broken", usage_event(), None))
    assert chunk is not None
    assert chunk.end == Position(3, 0)
    assert [one.offset for one in chunk.inputs] == [1]
    assert chunk.rejected == [("usage", DeadLetterReason.NOT_JSON), ("usage", DeadLetterReason.EMPTY)]
    letter = json.loads(chunk.sides[0].value or b"")
    assert chunk.sides[0].topic == Topic.DEAD_LETTERS
    assert chunk.sides[0].key == f"usage-{ACME}-0".encode()
    assert {name: letter[name] for name in ("reason", "topic", "partition", "offset", "timestamp_ms", "value")} == {
        "reason": "not_json",
        "topic": "usage",
        "partition": ACME,
        "offset": 0,
        "timestamp_ms": NOW_MS,
        "value": "e2Jyb2tlbg==",
    }


def test_record_stamped_by_its_producer_beyond_the_present_is_a_dead_letter() -> None:
    queue = InputQueue()
    stamps = [NOW_MS + SKEW_MS + 1, NOW_MS + SKEW_MS]
    queue.add(
        "usage",
        [
            record(usage_event(f"e-{n}", at_ms=at), n, timestamp=at, timestamp_type=CREATE_TIME)
            for n, at in enumerate(stamps)
        ],
    )
    queue.note_end("commands", at_end=True)
    chunk = take(queue)
    assert chunk is not None
    assert chunk.rejected == [("usage", DeadLetterReason.IN_FUTURE)]
    assert [one.clock_ms for one in chunk.inputs] == [NOW_MS + SKEW_MS]


def foreign_customer() -> tuple[str, int]:
    """A customer of another bucket than acme's, and its bucket."""
    names = (f"foreign-{n}" for n in range(100))
    return next((name, p) for name in names if (p := partition_of(name, PARTITIONS)) != ACME)


@pytest.mark.requirement("INF-02")
@pytest.mark.parametrize("topic", ["usage", "commands"])
def test_record_in_the_wrong_partition_is_forwarded_once_to_the_right_one(topic: str) -> None:
    customer, home = foreign_customer()
    value = usage_event(customer=customer) if topic == "usage" else command("suspend", customer=customer)
    queue = queue_of(value) if topic == "usage" else queue_of(commands=(value,))
    chunk = take(queue)
    assert chunk is not None
    assert (chunk.inputs, chunk.forwarded, chunk.records) == ([], 1, 1)
    (output,) = chunk.sides
    assert (output.topic, output.key, output.value, output.partition) == (topic, customer.encode(), value, home)
    assert output.headers == ((FORWARDED, b"1"),)


def test_forwarding_keeps_the_headers_that_the_record_came_with() -> None:
    customer, _ = foreign_customer()
    queue = InputQueue()
    queue.add("usage", [record(usage_event(customer=customer), headers=(("trace", b"abc"),))])
    queue.note_end("commands", at_end=True)
    chunk = take(queue)
    assert chunk is not None
    assert chunk.sides[0].headers == (("trace", b"abc"), (FORWARDED, b"1"))


@pytest.mark.requirement("INF-02")
def test_record_forwarded_once_and_wrong_again_is_a_dead_letter() -> None:
    customer, home = foreign_customer()
    queue = InputQueue()
    queue.add("usage", [record(usage_event(customer=customer), headers=((FORWARDED, b"1"),))])
    queue.note_end("commands", at_end=True)
    chunk = take(queue)
    assert chunk is not None
    assert (chunk.forwarded, chunk.rejected) == (0, [("usage", DeadLetterReason.MISROUTED)])
    assert f"partition {home}" in json.loads(chunk.sides[0].value or b"")["detail"]


def test_opening_is_taken_whole() -> None:
    chunk = take(queue_of(commands=(command("open_customer", time_zone="Europe/Madrid", country="ES"),)))
    assert chunk is not None
    opening = OpenCustomer(id="c-1", customer="acme", actor="tests", time_zone="Europe/Madrid", country="ES")
    assert chunk.inputs[0].content == opening
