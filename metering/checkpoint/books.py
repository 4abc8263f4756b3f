"""What a worker reads from the books: a bucket's position, and its whole state for a restore.

Leaves loading it to `ledger`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg

from metering.checkpoint import restored
from metering.checkpoint.belonging import Belonging, owner_of
from metering.checkpoint.database import Connection, Database
from metering.checkpoint.housekeeping import window_start_ms
from metering.checkpoint.positions import BooksPosition, read_position
from metering.checkpoint.queries import load_queries
from metering.errors import ensure
from metering.ledger.state import BlockState, CustomerRows, EventRows, StateBatch, StateRecord, WalletRows
from metering.ledger.till import Windows

BATCH_MAX = 1_000
"""Rows fetched and records yielded at a time: a Lua call that loads as many takes about 2 ms."""

RESTORES_MAX = 4
"""Buckets restored at the same time: enough to keep a processor busy, and they leave connections for short reads."""

SORT_MEBIBYTES = 32
"""What Postgres may take to put a bucket's wallets, or its lots, in order: enough for 200,000 without a file."""

CONNECTIONS_MAX = RESTORES_MAX + 4
"""What a worker needs: a bucket that only asks where the books stand does not wait for those that are restored."""

_Make: TypeAlias = Callable[[asyncpg.Record], StateRecord]


class Restoration:
    """A bucket's state as one snapshot of the books shows it.

    Of use only while the `restore` that it came from is open.
    """

    def __init__(
        self, connection: Connection, position: BooksPosition, blocks: Sequence[BlockState], windows: Windows
    ) -> None:
        self.position = position
        self.blocks = blocks
        """All blocks of wallets and senders, in the order of blocking. They come in the batches as well."""
        self._connection = connection
        self._windows = windows

    async def batches(self) -> AsyncIterator[StateBatch]:
        """Yield the state in batches of bounded size: customers, blocks, records, wallets, charges, commands, events.

        Remembered events and settled charges come from the start of the oldest window slot that is live by the bucket's
        clock. Raises `BooksAway` when the connection breaks, `BrokenInvariant` where the books contradict themselves;
        what was yielded is then of no use.
        """
        head, bucket = self.position.head, self.position.bucket
        since_ms = window_start_ms(head.clock_ms, self._windows)
        commands_since_ms = head.clock_ms - self._windows.commands_ms
        async for rows in self._rows("customers", bucket):
            yield CustomerRows(rows)
        for first in range(0, len(self.blocks), BATCH_MAX):
            yield self.blocks[first : first + BATCH_MAX]
        async for batch in self._read("states", restored.record_of):
            yield batch
        async for wallets in self._wallets():
            yield wallets
        sources: list[tuple[str, _Make, list[int]]] = [
            ("held_charges", restored.charge_of, []),
            ("settled_charges", restored.charge_of, [since_ms]),
            ("commands", restored.command_of, [commands_since_ms]),
        ]
        for name, make, arguments in sources:
            async for batch in self._read(name, make, *arguments):
                yield batch
        async for rows in self._rows("events", bucket, since_ms):
            yield EventRows(rows)
        async for rows in self._rows("denied_events", bucket, since_ms):
            for batch in _cut(event for row in rows for event in restored.denied_events_of(row, since_ms)):
                yield batch

    async def _wallets(self) -> AsyncIterator[WalletRows]:
        """Yield wallets with what belongs to them: three readings in the same order, side by side."""
        bucket = self.position.bucket
        lots, rules = Belonging(self._rows("lots", bucket)), Belonging(self._rows("rules", bucket))
        async for rows in self._rows("wallets", bucket):
            owners = list(map(owner_of, rows))
            yield WalletRows(rows, await lots.of(owners), await rules.of(owners))
        for name, belonging in (("lots", lots), ("rules", rules)):
            ensure(
                await belonging.is_used_up(), f"the books of bucket {bucket} have {name} of wallets that are not there"
            )

    async def _read(self, name: str, make: _Make, *arguments: Any) -> AsyncIterator[Sequence[StateRecord]]:
        async for rows in self._rows(name, self.position.bucket, *arguments):
            yield [make(row) for row in rows]

    async def _rows(self, name: str, *arguments: Any) -> AsyncIterator[list[asyncpg.Record]]:
        cursor = await self._connection.cursor(load_queries("restore")[name], *arguments)
        while rows := await cursor.fetch(BATCH_MAX):
            yield rows


class Books:
    """Reads the books. Nothing here writes."""

    def __init__(self, database: Database, windows: Windows | None = None) -> None:
        self._database = database
        self._windows = windows or Windows()
        self._turns = asyncio.Semaphore(RESTORES_MAX)

    async def position(self, bucket: int) -> BooksPosition | None:
        """Return how far the books of a bucket have come; None before its first entry. Raises `BooksAway`."""
        async with self._database.connection() as connection:
            return await read_position(connection, bucket)

    @asynccontextmanager
    async def restore(self, bucket: int) -> AsyncIterator[Restoration | None]:
        """Open one repeatable-read snapshot of a bucket; None before its first entry. Raises `BooksAway`.

        Interrupted at any point nothing is changed, here or in Postgres; leaving the context ends the snapshot.
        """
        async with (
            self._turns,
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            position = await read_position(connection, bucket)
            if position is None:
                yield None
                return
            await connection.execute(f"SET LOCAL work_mem = '{SORT_MEBIBYTES}MB'")
            rows = await connection.fetch(load_queries("restore")["blocks"], bucket)
            yield Restoration(connection, position, [restored.block_of(row) for row in rows], self._windows)


def _cut(events: Iterable[StateRecord]) -> Iterable[list[StateRecord]]:
    batch: list[StateRecord] = []
    for event in events:
        batch.append(event)
        if len(batch) == BATCH_MAX:
            yield batch
            batch = []
    if batch:
        yield batch
