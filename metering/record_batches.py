"""Reads and writes Kafka's record batches whole, past what aiokafka does in Python for each record of them.

aiokafka reads and writes batches in C, and puts 1.2 µs of Python around each record that is read and 0.2 µs around
each that is written: more than decoding an event. This module reaches below its public interface for that, which is
why aiokafka is pinned to one version, and why what is reached for is looked at when this module is imported. Leaves
all else to aiokafka: fetching, positions, aborted transactions, producer ids and sequence numbers.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from itertools import chain
from struct import Struct
from typing import Any, NamedTuple, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException, IllegalStateError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c

from metering import native
from metering.errors import ensure

LARGE_BYTES = 16 * 1024
"""From here on it costs less to look where each batch ends than its checksum by tables."""

ATTRIBUTES_AT = 21
"""In a batch: its checksum is of all from there on."""

_LENGTH_AT, _LENGTH = 8, Struct(">i")
_NO_HEADERS: list[tuple[str, bytes]] = []
_AiokafkaRecords = fetcher.PartitionRecords


class Record(Protocol):
    """A record as aiokafka's C makes it, or its own `ConsumerRecord`: both have these."""

    @property
    def offset(self) -> int:
        """Its place in its partition."""

    @property
    def timestamp(self) -> int:
        """Milliseconds: the log's, or where the topic goes by that its producer's."""

    @property
    def timestamp_type(self) -> int:
        """0: stamped by its producer, 1: by the log."""

    @property
    def key(self) -> bytes | None:
        """What it was spread by."""

    @property
    def value(self) -> bytes | None:
        """What it says."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Names and values."""


class Progress(NamedTuple):
    """How far a partition is read, and what the broker's last answer said of its end."""

    position: int
    end: int | None
    """Up to where it can be read; None before the first answer."""
    stamp: int | None
    """Of the last answer, by the client's clock."""
    is_paused: bool


def _whole_batches(value: Any) -> Any:
    """Mark a consumer, as its deserializer, whose records are wanted by batches; never called."""
    raise NotImplementedError(value)


class BatchConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka is not typed
    """A consumer whose `getmany` hands out records as C made them, all that have come. Other reads are not for it."""

    def __init__(self, *topics: str, **options: Any) -> None:
        super().__init__(*topics, value_deserializer=_whole_batches, **options)

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int = 0) -> dict[TopicPartition, list[Record]]:
        """Return what has come of each partition, as aiokafka's own does; fetches bound how much it can be."""
        read = await super().getmany(*partitions, timeout_ms=timeout_ms)
        return {partition: list(chain.from_iterable(batches)) for partition, batches in read.items()}

    def progress(self, partition: TopicPartition) -> Progress:
        """Return how far a partition is read. Raises `IllegalStateError` where it is not assigned, or read nowhere."""
        subscription = self._subscription.subscription
        assignment = None if subscription is None else subscription.assignment
        state = None if assignment is None else assignment.state_value(partition)
        if state is None or not state.has_valid_position:
            raise IllegalStateError(f"partition {partition} is not read")
        return Progress(state.position, state.lso or state.highwater, state.timestamp, state.paused)


class LargeRecords(MemoryRecords):  # type: ignore[misc]  # as above
    """What was fetched of a partition, where there is much of it: checksums by the processor's own instruction."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._data, self._began, self._next = data, 0, 0

    def next_batch(self) -> Any:
        """Return the next batch, of which `is_sound` speaks until the one after it."""
        self._began = self._next
        if len(self._data) - self._began >= _LENGTH_AT + _LENGTH.size:
            self._next += _LENGTH_AT + _LENGTH.size + _LENGTH.unpack_from(self._data, self._began + _LENGTH_AT)[0]
        return super().next_batch()

    def is_sound(self, batch: Any) -> bool:
        """Whether the batch that came last is as it was written."""
        if not isinstance(batch, DefaultRecordBatch):  # of before Kafka 0.11: its checksum is another
            return bool(batch.validate_crc())
        return bool(crc32c(memoryview(self._data)[self._began + ATTRIBUTES_AT : self._next]) == batch.crc)


def crc32c(data: bytes | bytearray | memoryview) -> int:
    """Return the checksum that a batch has of what stands behind it."""
    if native.in_use and native.batches.has_crc:
        return native.batches.crc32c(data)
    found: int = calc_crc32c(data)
    return found


def _records_of_fetch(data: bytes) -> MemoryRecords:
    """Return records in the way that takes less for so many."""
    return (LargeRecords if len(data) >= LARGE_BYTES else MemoryRecords)(data)


class BatchesOfPartition(fetcher.PartitionRecords):  # type: ignore[misc]
    """What was fetched of one partition: yields lists of records instead of records."""

    next_fetch_offset: int

    def _unpack_records(self) -> Iterator[list[Record]]:
        """Do as aiokafka's does, but for what it makes of each record."""
        records = self._records
        while records.has_next():
            batch = records.next_batch()
            is_large = isinstance(records, LargeRecords)
            if self._check_crcs and not (records.is_sound(batch) if is_large else batch.validate_crc()):
                raise CorruptRecordException(f"Invalid CRC - {self._tp}")
            is_aborted = False
            if self._isolation_level == fetcher.READ_COMMITTED and batch.producer_id is not None:
                self._consume_aborted_up_to(batch.base_offset)
                if batch.is_control_batch and self._contains_abort_marker(batch):
                    self._aborted_producers.discard(batch.producer_id)
                is_aborted = batch.is_transactional and batch.producer_id in self._aborted_producers
            wanted: list[Record] = []
            if not is_aborted and not batch.is_control_batch:
                wanted = list(batch)
                if wanted and wanted[0].offset < self.next_fetch_offset:
                    wanted = [record for record in wanted if record.offset >= self.next_fetch_offset]
            # Of a batch whose last records were compacted away, the end is that of the batch all the same.
            self.next_fetch_offset = batch.next_offset
            if wanted:
                yield wanted


def _records_of_partition(*arguments: Any) -> Any:
    """Return what unpacks a fetch, in the way that its consumer wants."""
    made = BatchesOfPartition if arguments[_VALUE_DESERIALIZER_AT] is _whole_batches else _AiokafkaRecords
    return made(*arguments)


def fill_batch(batch: BatchBuilder, keys: Sequence[bytes], values: Sequence[bytes], first: int = 0) -> int:
    """Add the records from place `first` on to an empty batch, in their order; return the place after the last.

    The client stamps them, as it does whatever it is given without a stamp; the log puts its own in that place. Less
    than all where the batch is full: then it is closed.
    """
    append, count = batch._builder.append, 0  # noqa: SLF001  see above
    for key, value in zip(keys[first:], values[first:], strict=True):
        if append(count, None, key, value, _NO_HEADERS) is None:
            batch.close()
            break
        count += 1
    batch._relative_offset = count  # noqa: SLF001
    return first + count


_UNPACKED_FROM = list(inspect.signature(_AiokafkaRecords).parameters)
_VALUE_DESERIALIZER_AT = _UNPACKED_FROM.index("value_deserializer")
_KNOWN = "tp records aborted_transactions fetch_offset key_deserializer value_deserializer check_crcs isolation_level"
ensure(_KNOWN.split() == _UNPACKED_FROM, "aiokafka unpacks what it fetched in another way than the pinned version")
ensure(
    vars(BatchBuilder(1, 0)).get("_relative_offset") == 0,
    "aiokafka fills a batch in another way than the pinned version",
)
ensure(fetcher.MemoryRecords is MemoryRecords, "aiokafka reads records in another way than the pinned version")
fetcher.MemoryRecords = _records_of_fetch
fetcher.PartitionRecords = _records_of_partition
