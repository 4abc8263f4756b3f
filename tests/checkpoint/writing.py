"""Writes records into the books without a broker. Leaves reading a topic to the service's own tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from metering.checkpoint.batch import Batch
from metering.checkpoint.continuity import ORIGIN
from metering.checkpoint.database import Connection, Database
from metering.checkpoint.flush import flush
from metering.checkpoint.partitions import Partitions
from metering.checkpoint.positions import read_position

Sql: TypeAlias = Connection
"""A connection of the test's own."""


async def write(database: Database, bucket: int, records: Iterable[tuple[int, bytes]]) -> Batch:
    """Write `records` as one flush from where the books stand. Raises unless it was written."""
    async with database.connection() as connection:
        position = await read_position(connection, bucket)
        batch = make_batch(bucket, records, position.head if position else ORIGIN)
        if batch.entries:
            assert await flush(connection, batch, Partitions())
    return batch


def make_batch(bucket: int, records: Iterable[tuple[int, bytes]], base: object = ORIGIN) -> Batch:
    """Fold `records` onto `base`."""
    batch = Batch(bucket, base)  # type: ignore[arg-type]
    for offset, value in records:
        batch.take(value, offset)
    return batch


async def empty_books(database: Database) -> None:
    """Take everything out, for tests that write many histories into one database."""
    async with database.connection() as connection:
        await connection.execute(
            "TRUNCATE positions, entries, denials, customers, wallets, lots, charges, charge_recipients, blocks, "
            "alert_rules"
        )
