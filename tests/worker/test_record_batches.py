"""Record batches read and written whole are what aiokafka's own way reads and writes, record by record."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given, settings, strategies as st

from metering import native
from metering.record_batches import LARGE_BYTES, _whole_batches, fill_batch
from tests.native.paths import BOTH_WAYS

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
    records = fetcher.MemoryRecords(log)
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


@pytest.mark.parametrize("is_sound", [True, False])
@pytest.mark.parametrize("size", [10, LARGE_BYTES])
@pytest.mark.parametrize("is_on", BOTH_WAYS)
def test_batch_that_is_not_as_it_was_written_is_refused_however_large_it_is(
    size: int, is_sound: bool, is_on: bool
) -> None:
    log = bytearray(log_of([(-1, False, [(b"acme", bytes(size), [])])] * 2, 0))
    if not is_sound:
        log[-9] ^= 1

    with native.forced(is_on=is_on):
        if is_sound:
            assert sum(len(batch) for batch in unpack(bytes(log), 10, [], _whole_batches)[0]) == 2
        else:
            with pytest.raises(CorruptRecordException):
                unpack(bytes(log), 10, [], _whole_batches)


def test_end_of_a_fetch_that_broke_off_in_a_batch_is_left_for_the_next_one() -> None:
    log = log_of([(-1, False, [(b"acme", bytes(LARGE_BYTES), [])])] * 2, 0)

    for cut in (1, LARGE_BYTES, LARGE_BYTES + 60):
        (batch,), next_offset = unpack(log[:-cut], 10, [], _whole_batches)
        assert (len(batch), next_offset) == (1, 11)


def test_batch_of_old_times_is_read_however_large_it_is() -> None:
    builder = LegacyRecordBatchBuilder(1, 0, 1 << 20)
    builder.append(0, timestamp=1, key=b"acme", value=bytes(LARGE_BYTES))

    ((record,),), _ = unpack(bytes(builder.build()), 0, [], _whole_batches)
    assert (record.key, len(record.value)) == (b"acme", LARGE_BYTES)
