"""What a worker reads from the books: a bucket's position, and its whole state for a restore. Leaves loading it to `ledger`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from msgspec import Struct

from metering.checkpoint.database import Database
from metering.ledger.state import BlockState, BucketPosition, StateRecord
from metering.ledger.till import Windows


class BooksPosition(Struct, frozen=True):
    """How far the books of a bucket have come."""

    bucket: int
    head: BucketPosition
    """The last entry in the books, and the position, clock and timers after it."""
    ledger_offset: int
    """Offset in `ledger[bucket]` after that entry's record: where a reader goes on."""
    updated_at_ms: int
    """When the row was written, by Postgres' clock. Unix milliseconds."""


class Restoration:
    """A bucket's state as one snapshot of the books shows it."""

    def __init__(self, position: BooksPosition, blocks: Sequence[BlockState]) -> None:
        self.position = position
        self.blocks = blocks
        """All blocks of wallets and senders, in the order of blocking. They come in the batches as well."""

    def batches(self) -> AsyncIterator[Sequence[StateRecord]]:
        """Yield the state in bounded batches: customers, blocks, wallets, charges, events, commands. Once only.

        Raises `BooksAway` when the connection breaks; what was yielded is then of no use.
        """
        raise NotImplementedError


class Books:
    """Reads the books. Nothing here writes."""

    def __init__(self, database: Database, windows: Windows | None = None) -> None:
        self._database = database
        self._windows = windows or Windows()

    async def position(self, bucket: int) -> BooksPosition | None:
        """Return how far the books of a bucket have come; None before its first entry. Raises `BooksAway`."""
        raise NotImplementedError

    @asynccontextmanager
    async def restore(self, bucket: int) -> AsyncIterator[Restoration | None]:
        """Open one repeatable-read snapshot of a bucket; None before its first entry. Raises `BooksAway`.

        Interrupted at any point nothing is changed, here or in Postgres; leaving the context ends the snapshot.
        """
        raise NotImplementedError
        yield None
