"""Ledger records read and not yet in the books: a queue a bucket, one bound over all.

Leaves when to stop reading to `service`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice, repeat
from typing import NamedTuple

from metering.record_batches import Record

BYTES_MAX = 128 * 1024 * 1024
"""Most bytes of records over all buckets: what 50,000 entries of 1.3 kB take twice over, so only giants are held back
by it.
"""


class Waiting(NamedTuple):
    """A record as it came: still bytes, a third of what it takes as a row."""

    offset: int
    value: bytes
    read_at_seconds: float = 0.0
    """Monotonic."""


class Bound:
    """How much is waiting over all buckets."""

    def __init__(self, entries_max: int, bytes_max: int = BYTES_MAX) -> None:
        self.entries_max = entries_max
        self.bytes_max = bytes_max
        self.entries = 0
        self.bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether reading has to pause."""
        return self.entries >= self.entries_max or self.bytes >= self.bytes_max

    @property
    def has_room(self) -> bool:
        """Whether paused reading may go on: at half, so that it does not stop and start with every flush."""
        return self.entries <= self.entries_max // 2 and self.bytes <= self.bytes_max // 2


class Backlog:
    """The records of one bucket that wait, in the order of the log."""

    def __init__(self, bound: Bound, clock: Callable[[], float] = time.monotonic) -> None:
        self._bound = bound
        self._clock = clock
        self._waiting: deque[Waiting] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, records: Sequence[Record]) -> None:
        """Add records."""
        values = [record.value or b"" for record in records]
        fields = zip([record.offset for record in records], values, repeat(self._clock()))
        # As `Waiting(…)` of each, without its Python.
        self._waiting.extend(map(tuple.__new__, repeat(Waiting), fields))
        self._bound.entries += len(values)
        self._bound.bytes += sum(map(len, values))

    def first(self, count_max: int) -> list[Waiting]:
        """Return the oldest records without taking them out; more may be added meanwhile."""
        return list(islice(self._waiting, count_max))

    def take_out(self, count: int) -> None:
        """Take out the oldest `count`: they are in the books, or do not count."""
        take = self._waiting.popleft
        self._bound.bytes -= sum([len(take().value) for _ in range(count)])
        self._bound.entries -= count

    def clear(self) -> None:
        """Drop everything: it will be read again, or somebody else does."""
        self.take_out(len(self._waiting))

    @property
    def age_seconds(self) -> float:
        """How long the oldest record waits; 0 without any."""
        return self._clock() - self._waiting[0].read_at_seconds if self._waiting else 0.0
