"""The position rows: how far the books of each bucket have come. Leaves moving them to `flush`."""

from __future__ import annotations

from msgspec import Struct

from metering.checkpoint.database import Connection
from metering.checkpoint.queries import load_queries
from metering.ledger.state import BucketPosition


class BooksPosition(Struct, frozen=True):
    """How far the books of a bucket have come."""

    bucket: int
    head: BucketPosition
    """The last entry in the books, and the position, clock and timers after it."""
    ledger_offset: int
    """Offset in `ledger[bucket]` after that entry's record: where a reader goes on."""
    updated_at_ms: int
    """When the row was written, by Postgres' clock. Unix milliseconds."""


async def read_position(connection: Connection, bucket: int) -> BooksPosition | None:
    """Return how far the books of a bucket have come; None before its first entry."""
    row = await connection.fetchrow(load_queries("flush")["read_position"], bucket)
    if row is None:
        return None
    *head, ledger_offset, updated_at_ms = row
    return BooksPosition(bucket, BucketPosition(*head), ledger_offset, updated_at_ms)
