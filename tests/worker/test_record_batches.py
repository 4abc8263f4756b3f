"""Record batches read and written whole are what aiokafka's own way reads and writes, record by record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given, settings, strategies as st

from metering.worker.record_batches import _whole_batches, fill_batch

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
    now_ms: int = next(MemoryRecords(built).next_batch()).timestamp if after > first else 0
    count = 0
    for key, value in records[first:]:
        if single.append(timestamp=now_ms, key=key, value=value) is None:
            break
        count += 1
    assert (after - first, whole.record_count()) == (count, single.record_count())
    assert (size, closed) == (single.size(), single.closed())
    assert built == bytes(single._build())
