"""The books as a fold of the ledger that lags behind it, in the place of checkpointer and Postgres.

Leaves folding to `tests/ledger/history/fold`, which is not the checkpointer's own code.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec

from metering.checkpoint.database import BooksAway
from metering.checkpoint.positions import BooksPosition
from metering.contracts.entries import LedgerEntry
from metering.ledger.state import BlockState, StateRecord
from tests.ledger.history.fold import Fold
from tests.simulation.broker import Broker, Stored
from tests.simulation.network import Network, Unanswered

decode_entry = msgspec.json.Decoder(LedgerEntry).decode
RECORDS_PER_PART = 4
"""So few that a restore comes in several parts."""


@dataclass
class BucketBooks:
    """What the books have of one bucket: entries that count, by the readers' rule."""

    fold: Fold = field(default_factory=Fold)
    entries: list[LedgerEntry] = field(default_factory=list)
    offset: int = 0

    def take(self, stored: Stored) -> bool:
        """Fold a record of the ledger if it counts."""
        entry = decode_entry(stored.record.value or b"")
        last = self.entries[-1] if self.entries else None
        if entry.seq != len(self.entries) + 1 or entry.prev_chunk != (last.chunk if last else ""):
            return False
        self.fold.take(entry)
        self.entries.append(entry)
        self.offset = stored.offset + 1
        return True


class ModelBooks:
    """The books of all buckets, and how far each has read its ledger."""

    def __init__(self, broker: Broker, rng: random.Random, buckets: int) -> None:
        self.buckets = [BucketBooks() for _ in range(buckets)]
        self.held_back = False
        """The checkpointer stands still."""
        self._broker = broker
        self._rng = rng
        self._read = [0] * buckets

    async def run(self) -> None:
        """Follow the ledgers, some entries at a time."""
        while True:
            await asyncio.sleep(self._rng.random() * 0.5 + 0.02)
            if not self.held_back:
                for number in range(len(self.buckets)):
                    self.advance(number, self._rng.randint(0, 12))

    def advance(self, number: int, most: int) -> None:
        """Take up to `most` records of a bucket's ledger."""
        stored, self._read[number] = self._broker.log(("ledger", number)).read(self._read[number], most)
        for one in stored:
            self.buckets[number].take(one)

    def position(self, number: int) -> BooksPosition | None:
        """Return the position row."""
        books = self.buckets[number]
        return BooksPosition(number, books.fold.position(), books.offset, 0) if books.entries else None


class Restoration:
    """One snapshot of a bucket."""

    def __init__(self, position: BooksPosition, records: list[StateRecord]) -> None:
        self.position = position
        self.blocks = [record for record in records if isinstance(record, BlockState)]
        self._records = records

    async def batches(self) -> AsyncIterator[Sequence[StateRecord]]:
        """Yield it in parts."""
        for first in range(0, len(self._records), RECORDS_PER_PART):
            yield self._records[first : first + RECORDS_PER_PART]


class BooksClient:
    """The books as a worker reads them."""

    def __init__(self, books: ModelBooks, network: Network) -> None:
        self._books = books
        self._network = network

    async def position(self, bucket: int) -> BooksPosition | None:
        """Return how far the books have come. Raises `BooksAway`."""
        try:
            return await self._network.call("postgres", lambda: self._books.position(bucket))
        except Unanswered as error:
            raise BooksAway("Postgres did not answer") from error

    @asynccontextmanager
    async def restore(self, bucket: int) -> AsyncIterator[Restoration | None]:
        """Open a snapshot; None before the first entry. Raises `BooksAway`."""

        def snapshot() -> Restoration | None:
            position = self._books.position(bucket)
            return None if position is None else Restoration(position, self._books.buckets[bucket].fold.records())

        try:
            found = await self._network.call("postgres", snapshot)
        except Unanswered as error:
            raise BooksAway("Postgres did not answer") from error
        yield found
