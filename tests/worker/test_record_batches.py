"""Record batches read and written whole are what aiokafka's own way reads and writes, record by record."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given, settings, strategies as st

from metering.worker.record_batches import PressedBatch, _whole_batches, fill_batch

PARTITION = TopicPartition("usage", 3)
PRODUCER = 7
Headers = list[tuple[str, bytes]]
Written = tuple[int, bool, list[tuple[bytes | None, bytes | None, Headers]]]
"""One batch: its producer, whether it is in a transaction, its records."""

sizes = st.sampled_from([0, 1, 5, 300])
headers = st.lists(st.tuples(st.sampled_from(["a", "metering-forwarded"]), st.binary(max_size=4)), max_size=2)
content = st.tuples(st.none() | st.binary(max_size=5), st.none() | sizes.map(bytes), headers)
batches = st.lists(
    st.tuples(st.sampled_from([-1, PRODUCER, 8]), st.booleans(), st.lists(content, min_size=1, max_size=4)), max_size=5
)


def log_of(written: Sequence[Written], compression: int) -> bytes:
    """The batches as a broker gives them out, offsets ascending from 10."""
    log, offset = b"", 10
    for producer, transactional, records in written:
        builder = DefaultRecordBatchBuilder(
            2, compression, int(transactional and producer >= 0), producer, 0, 0, 1 << 20
        )
        for place, (key, value, named) in enumerate(records):
            builder.append(place, 1_700_000_000_000 + place, key, value, named)
        batch = builder.build()
        batch[0:8] = offset.to_bytes(8, "big")  # the broker's to set, and not under the checksum
        log += bytes(batch)
        offset += len(records)
    return log


def unpack(log: bytes, from_offset: int, aborted: list[tuple[int, int]], deserializer: Any) -> tuple[list[Any], int]:
    """What a consumer with that deserializer gets of a fetch, and where its next one begins."""
    records = MemoryRecords(log)
    unpacked = fetcher.PartitionRecords(PARTITION, records, aborted, from_offset, None, deserializer, True, 1)
    return list(unpacked), unpacked.next_fetch_offset


def fields(record: Any) -> tuple[Any, ...]:
    """What the worker reads of a record."""
    return (record.offset, record.timestamp, record.timestamp_type, record.key, record.value, tuple(record.headers))


@given(batches, st.integers(0, 3), st.booleans(), st.sampled_from([0, 3]))
@settings(max_examples=200)
def test_batches_read_whole_have_the_records_of_aiokafkas_own_way(
    written: list[Written], skipped: int, abort: bool, compression: int
) -> None:
    log, aborted = log_of(written, compression), [(PRODUCER, 10)] if abort else []

    theirs, next_theirs = unpack(log, 10 + skipped, aborted, None)
    ours, next_ours = unpack(log, 10 + skipped, aborted, _whole_batches)

    assert [fields(one) for one in theirs] == [fields(one) for batch in ours for one in batch]
    assert next_theirs == next_ours
    assert all(ours)


@given(st.lists(st.tuples(st.binary(max_size=5), sizes.map(bytes)), max_size=12), st.integers(0, 3))
@settings(max_examples=200)
def test_batch_filled_in_one_go_has_the_bytes_of_aiokafkas_own_way(
    records: list[tuple[bytes, bytes]], first: int
) -> None:
    first = min(first, len(records))
    whole, single = BatchBuilder(512, 0), BatchBuilder(512, 0)

    after = fill_batch(whole, [key for key, _ in records], [value for _, value in records], first)

    size, closed = whole.size(), whole.closed()
    built = bytes(whole._build())
    # A millisecond may end between two of them, and the one that found no room had a stamp as well.
    stamps = [record.timestamp for record in MemoryRecords(built).next_batch()] if after > first else []
    count = 0
    for (key, value), stamp in zip(records[first:], chain(stamps, repeat(0)), strict=False):
        if single.append(timestamp=stamp, key=key, value=value) is None:
            break
        count += 1
    assert (after - first, whole.record_count()) == (count, single.record_count())
    assert (size, closed) == (single.size(), single.closed())
    assert built == bytes(single._build())


@given(
    st.lists(st.tuples(st.binary(max_size=8), sizes.map(bytes)), min_size=1, max_size=50),
    st.sampled_from([0, 2]),
    st.integers(0, 2**40),
    st.integers(0, 2**15 - 1),
    st.integers(0, 2**31 - 1),
)
def test_batch_pressed_before_its_producer_is_known_is_the_one_that_aiokafka_makes_after(
    records: list[tuple[bytes, bytes]], compression: int, producer: int, epoch: int, sequence: int
) -> None:
    theirs, ours = (BatchBuilder(1 << 20, compression, is_transactional=1) for _ in range(2))
    for batch in (theirs, ours):
        for key, value in records:
            batch.append(timestamp=1_700_000_000_000, key=key, value=value)
    pressed = PressedBatch(ours)

    for one in (theirs, pressed):
        one._set_producer_state(producer, epoch, sequence)

    assert bytes(pressed._build()) == bytes(theirs._build())
    assert (pressed.record_count(), pressed.size(), pressed.closed()) == (len(records), theirs.size(), True)
    assert pressed.append(timestamp=1, key=b"late", value=b"") is None
