"""Builds the books again from the ledger topic, into an empty database. Leaves reading the topic to the caller.

The same flushes as the checkpointer's, one after the other: each moves the position in its own transaction. So it can
be interrupted at any point, and resumed from the positions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

from msgspec import Struct

from metering.checkpoint.backlog import Waiting
from metering.checkpoint.continuity import ORIGIN
from metering.checkpoint.database import Database
from metering.checkpoint.flush import flush
from metering.checkpoint.housekeeping import tidy
from metering.checkpoint.partitions import Partitions
from metering.checkpoint.positions import read_position
from metering.checkpoint.queries import load_queries
from metering.checkpoint.wallet_tails import RememberedTails
from metering.errors import Fatal
from metering.ledger.state import BucketPosition
from metering.ledger.till import Windows

FLUSH_ENTRIES = 5_000
TIDY_FLUSHES = 20
"""Flushes between two looks at what the window has left behind."""

BUCKETS_AT_ONCE = 2
"""While one bucket's rows are in Postgres' hands, the next one's are made."""

ReadFrom: TypeAlias = Callable[[int, int], AsyncIterator[tuple[int, bytes]]]
"""Begins to read `ledger[bucket]` from an offset to its present end: offsets and values of its records."""


class Rebuilt(Struct, frozen=True):
    """What was read and written."""

    buckets: int
    records: int
    entries: int
    """Those of the records that count."""


async def rebuild(
    database: Database, read_from: ReadFrom, buckets: int, windows: Windows, *, resume: bool = False
) -> Rebuilt:
    """Write the books of all buckets from the topic. Raises `BooksAway`, and what reading raises.

    Raises `Fatal` where there is anything in the database, unless an interrupted rebuild is to be resumed; where
    another checkpointer writes it; and where the topic does not begin with a bucket's first entry.
    """
    async with database.connection() as connection:
        if not resume and not await connection.fetchval(load_queries("rebuild")["is_empty"]):
            raise Fatal("there are books in this database: name an empty one, or --resume an interrupted rebuild")
    turns, partitions = asyncio.Semaphore(BUCKETS_AT_ONCE), Partitions()

    async def one(bucket: int) -> tuple[int, int]:
        async with turns:
            return await _Bucket(database, bucket, windows, partitions).write(read_from)

    tasks = [asyncio.create_task(one(bucket)) for bucket in range(buckets)]
    try:
        done = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    return Rebuilt(buckets, sum(records for records, _ in done), sum(entries for _, entries in done))


class _Bucket:
    def __init__(self, database: Database, bucket: int, windows: Windows, partitions: Partitions) -> None:
        self._database = database
        self._bucket = bucket
        self._windows = windows
        self._partitions = partitions
        self._tails = RememberedTails()
        self._head: BucketPosition = ORIGIN
        self._flushes = self._records = self._entries = 0

    async def write(self, read_from: ReadFrom) -> tuple[int, int]:
        """Write from the position to the topic's end; return how many records were read, and how many of them count."""
        async with self._database.connection() as connection:
            found = await read_position(connection, self._bucket)
        self._head = found.head if found else ORIGIN
        waiting: list[Waiting] = []
        async for offset, value in read_from(self._bucket, found.ledger_offset if found else 0):
            waiting.append(Waiting(offset, value))
            if len(waiting) == FLUSH_ENTRIES:
                await self._flush(waiting)
                waiting = []
        if waiting:
            await self._flush(waiting)
        await self._tidy()
        return self._records, self._entries

    async def _flush(self, waiting: list[Waiting]) -> None:
        async with self._database.connection() as connection:
            batch = await flush(connection, self._bucket, self._head, waiting, self._partitions, remembered=self._tails)
        if batch is None:
            raise Fatal(f"another program writes the books of bucket {self._bucket}: stop the checkpointers first")
        if self._head == ORIGIN and batch.entries == 0:
            raise Fatal(
                f"the ledger topic of bucket {self._bucket} does not begin with its first entry: what it has lost must "
                "be put back, or Postgres restored from a backup"
            )
        self._head = batch.head
        self._records += len(waiting)
        self._entries += batch.entries
        self._flushes += 1
        if self._flushes % TIDY_FLUSHES == 0:
            await self._tidy()

    async def _tidy(self) -> None:
        if self._head.seq:
            async with self._database.connection() as connection:
                await tidy(connection, self._bucket, self._head.clock_ms, self._windows)
