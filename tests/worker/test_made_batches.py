"""Batches whose bytes are made at once are what aiokafka makes of the same records."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from hypothesis import given, strategies as st

from metering import native
from metering.record_batches import crc32c
from metering.settings import KafkaSettings
from metering.worker.kafka import Kafka
from metering.worker.made_batches import CODECS, pack_batch, press_batch
from tests.native.paths import BOTH_WAYS, needs_compiled

NOW_MS = 1_700_000_000_123
sizes = st.sampled_from([0, 1, 5, 57, 58, 59, 63, 64, 300, 8_191, 8_192])
part = st.none() | sizes.map(bytes)


@pytest.fixture(autouse=True, scope="module")
def still_clock() -> Any:
    """One moment for all records, as a batch that is packed has it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: NOW_MS * 1_000_000)
        yield


@needs_compiled
@given(
    st.lists(st.tuples(part, part), min_size=1, max_size=150),
    st.integers(0, 3),
    st.sampled_from([100, 700, 9_000, 1 << 20]),
    st.sampled_from(CODECS),
    st.booleans(),
    st.none() | st.tuples(st.integers(0, 2**40), st.integers(0, 2**15 - 1), st.integers(0, 2**31 - 1)),
)
def test_packed_batch_is_the_one_that_aiokafka_fills(
    records: list[tuple[Any, Any]],
    first: int,
    bytes_max: int,
    codec: int,
    is_transactional: bool,
    producer: tuple[int, int, int] | None,
) -> None:
    first = min(first, len(records) - 1)
    keys, values = [key for key, _ in records], [value for _, value in records]
    theirs = BatchBuilder(bytes_max, codec, is_transactional=int(is_transactional))
    for key, value in records[first:]:
        if theirs.append(timestamp=NOW_MS, key=key, value=value) is None:
            break

    ours = pack_batch(keys, values, first, bytes_max, codec, is_transactional=is_transactional)

    for one in (theirs, ours):
        if producer is not None:
            one._set_producer_state(*producer)
    assert ours.record_count() == theirs.record_count()
    assert bytes(ours._build()) == bytes(theirs._build())
    assert (ours.size(), ours.closed()) == (theirs.size(), True)


@given(st.binary(max_size=100), st.integers(0, 8))
def test_checksum_is_the_one_of_aiokafka(data: bytes, begin: int) -> None:
    assert crc32c(memoryview(data)[begin:]) == calc_crc32c(data[begin:])


@needs_compiled
def test_checksum_is_reckoned_by_the_processor_where_it_can() -> None:
    assert not native.batches.has_crc or native.batches.crc32c(b"123456789") == 0xE3069283


@needs_compiled
def test_key_for_each_value_and_bytes_alone_are_taken() -> None:
    with pytest.raises(ValueError, match="a key for each"):
        native.batches.pack([b"a"], [b"1", b"2"], 0, 61, 1_000)
    with pytest.raises(TypeError, match="bytes"):
        native.batches.pack([b"a"], ["1"], 0, 61, 1_000)  # type: ignore[list-item]


@pytest.mark.parametrize("is_on", BOTH_WAYS)
@pytest.mark.parametrize("make", [Kafka.producer, lambda kafka: kafka.transactional_producer(0)])
async def test_producer_fills_batches_until_all_records_are_in_one(make: Callable[[Kafka], Any], is_on: bool) -> None:
    producer = make(Kafka(KafkaSettings()))
    values = [bytes([place]) * 200_000 for place in range(6)]
    read: list[bytes] = []

    with native.forced(is_on=is_on):
        while len(read) < len(values):
            batch = producer.fill_batch([b"acme"] * len(values), values, len(read))
            read += [record.value for record in MemoryRecords(bytes(batch._build())).next_batch()]
            assert 1 <= batch.record_count() < len(values)

    assert read == values
    await producer.stop()


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
    pressed = press_batch(ours)

    for one in (theirs, pressed):
        one._set_producer_state(producer, epoch, sequence)

    assert bytes(pressed._build()) == bytes(theirs._build())
    assert (pressed.record_count(), pressed.size(), pressed.closed()) == (len(records), theirs.size(), True)
    assert pressed.append(timestamp=1, key=b"late", value=b"") is None
