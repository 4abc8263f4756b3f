"""A broker: logs, transactions with fencing, offsets. Leaves clients to `clients`, and groups to `group`.

What it promises is what Kafka promises: what is acknowledged stays, in order; a transaction is visible as a whole or
not at all, but its markers reach the partitions one after another, some time after the commit was answered.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from aiokafka.errors import ConcurrentTransactions, InvalidProducerEpoch, ProducerFenced

from tests.simulation.loop import SimulatedLoop

TRANSACTION_SECONDS_MAX = 30.0
MARKER_SECONDS_MAX = 0.3

Partition = tuple[str, int]
"""Topic and number."""


class NewRecord(NamedTuple):
    """A record as its producer sends it."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(slots=True)
class Stored:
    """A record as it stands in a log. `visible` None: its transaction is open. Markers have no value."""

    offset: int
    record: NewRecord
    timestamp_ms: int
    visible: bool | None
    is_marker: bool = False


class Log:
    """One partition."""

    def __init__(self) -> None:
        self.stored: list[Stored] = []
        self.open: dict[str, list[Stored]] = {}
        """Of each transaction that is open here, its records."""
        self.sequences: dict[tuple[str, int], int] = {}
        """Of each producer that counts its batches: the last one, and where it went."""

    @property
    def end(self) -> int:
        """The high-water mark."""
        return len(self.stored)

    @property
    def stable(self) -> int:
        """Up to where a read-committed reader sees: before the first open transaction."""
        return min((records[0].offset for records in self.open.values()), default=self.end)

    def append(self, records: Sequence[NewRecord], now_ms: int, transaction: str | None = None) -> int:
        """Append a batch; return its first offset."""
        first = self.end
        for record in records:
            stored = Stored(self.end, record, now_ms, None if transaction else True)
            self.stored.append(stored)
            if transaction:
                self.open.setdefault(transaction, []).append(stored)
        return first

    def close(self, transaction: str, now_ms: int, *, committed: bool) -> None:
        """Write a transaction's marker."""
        for stored in self.open.pop(transaction, ()):
            stored.visible = committed
        self.stored.append(Stored(self.end, NewRecord(None, None), now_ms, visible=False, is_marker=True))

    def read(self, start: int, most: int) -> tuple[list[Stored], int]:
        """Return what a read-committed reader sees from `start` on, and where it stands after it."""
        seen: list[Stored] = []
        position = start
        for stored in self.stored[start : self.stable]:
            if len(seen) == most:
                break
            position = stored.offset + 1
            if stored.visible and not stored.is_marker:
                seen.append(stored)
        return seen, position


@dataclass
class Transaction:
    """What a transactional id is doing."""

    epoch: int = 0
    is_open: bool = False
    number: int = 0
    partitions: set[Partition] = field(default_factory=set)
    offsets: dict[Partition, int] = field(default_factory=dict)
    markers: int = 0
    """How many of the last one are still to be written."""


class Broker:
    """All topics. `now_ms` is its clock, which stamps every record."""

    def __init__(self, loop: SimulatedLoop, rng: random.Random) -> None:
        self.logs: dict[Partition, Log] = {}
        self.committed: dict[Partition, int] = {}
        """The offsets of the one group."""
        self.transactions: dict[str, Transaction] = {}
        self.clock_ahead_ms = 0
        """How far its clock, and everybody's, has been put forward."""
        self._loop = loop
        self._rng = rng

    START_MS = 1_790_000_000_000

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return self.START_MS + self.clock_ahead_ms + int(self._loop.time() * 1_000)

    def log(self, partition: Partition) -> Log:
        """Return a partition, made when it is first named."""
        return self.logs.setdefault(partition, Log())

    def produce(self, partition: Partition, records: Sequence[NewRecord], batch: tuple[str, int] | None = None) -> int:
        """Append outside transactions; return the first offset. A `batch` that was counted is not appended again."""
        log = self.log(partition)
        if batch is not None and batch in log.sequences:
            return log.sequences[batch]
        first = log.append(records, self.now_ms())
        if batch is not None:
            log.sequences[batch] = first
        return first

    def begin_id(self, name: str) -> int:
        """InitProducerId: fence whoever had it, abort what is open. Answers when its markers are written."""
        found = self.transactions.setdefault(name, Transaction())
        if found.is_open:
            found.epoch += 1
            self._end(name, found, committed=False)
        if found.markers:
            raise ConcurrentTransactions
        found.epoch += 1
        return found.epoch

    def produce_in(
        self, name: str, epoch: int, partition: Partition, records: Sequence[NewRecord], batch: tuple[str, int]
    ) -> int:
        """Append to the open transaction. Raises `InvalidProducerEpoch`."""
        self._check(name, epoch, InvalidProducerEpoch)
        log = self.log(partition)
        if batch in log.sequences:
            return log.sequences[batch]
        self._open(name).partitions.add(partition)
        first = log.sequences[batch] = log.append(records, self.now_ms(), name)
        return first

    def offsets_in(self, name: str, epoch: int, offsets: dict[Partition, int]) -> None:
        """Add offsets to the open transaction. Raises `ProducerFenced`."""
        self._check(name, epoch, ProducerFenced)
        self._open(name).offsets.update(offsets)

    def end(self, name: str, epoch: int, number: int) -> None:
        """Commit transaction `number` of this epoch; asked again, it is still committed. Raises `ProducerFenced`.

        Asked again late, it does not end the next one: that a broker may do before KIP-890 is not modelled.
        """
        found = self._check(name, epoch, ProducerFenced)
        if found.number > number:
            return
        if found.is_open:
            self._end(name, found, committed=True)
        else:
            found.number += 1

    def number_of(self, name: str) -> int:
        """Return how many transactions this id has ended."""
        return self.transactions[name].number

    def commit(self, offsets: dict[Partition, int]) -> None:
        """Commit offsets outside transactions."""
        self.committed.update(offsets)

    def _check(self, name: str, epoch: int, error: type[Exception]) -> Transaction:
        found = self.transactions[name]
        if found.epoch != epoch:
            raise error
        return found

    def _open(self, name: str) -> Transaction:
        """Return the open transaction; the first request of one opens it, once the markers of the last are written."""
        found = self.transactions[name]
        if not found.is_open:
            if found.markers:
                raise ConcurrentTransactions
            found.is_open = True
            self._loop.later(TRANSACTION_SECONDS_MAX, self._time_out, name, found.epoch, found.number)
        return found

    def _time_out(self, name: str, epoch: int, number: int) -> None:
        found = self.transactions[name]
        if found.is_open and (found.epoch, found.number) == (epoch, number):
            found.epoch += 1
            self._end(name, found, committed=False)

    def _end(self, name: str, found: Transaction, *, committed: bool) -> None:
        found.is_open, found.number = False, found.number + 1
        partitions, found.partitions = found.partitions, set()
        offsets, found.offsets = found.offsets, {}
        for partition in sorted(partitions):
            self._mark(
                found, lambda partition=partition: self.log(partition).close(name, self.now_ms(), committed=committed)
            )
        if offsets and committed:
            self._mark(found, lambda: self.committed.update(offsets))

    def _mark(self, found: Transaction, write: object) -> None:
        found.markers += 1

        def written() -> None:
            write()  # type: ignore[operator]
            found.markers -= 1

        self._loop.later(self._rng.random() ** 3 * MARKER_SECONDS_MAX, written)
