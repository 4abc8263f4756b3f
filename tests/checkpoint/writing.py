"""Writes records into the books without a broker. Leaves reading a topic to the service's own tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from metering.checkpoint.backlog import Waiting
from metering.checkpoint.batch import Batch
from metering.checkpoint.continuity import ORIGIN
from metering.checkpoint.database import Connection, Database
from metering.checkpoint.flush import flush
from metering.checkpoint.partitions import Partitions
from metering.checkpoint.positions import read_position
from metering.ledger.state import BucketPosition

Sql: TypeAlias = Connection
"""A connection of the test's own."""


async def write(database: Database, bucket: int, records: Iterable[tuple[int, bytes]]) -> Batch:
    """Write `records` as one flush from where the books stand. Raises unless it was written."""
    async with database.connection() as connection:
        position = await read_position(connection, bucket)
        batch = await flush_all(connection, bucket, position.head if position else ORIGIN, records)
    assert batch is not None
    return batch


async def flush_all(
    connection: Connection, bucket: int, base: BucketPosition, records: Iterable[tuple[int, bytes]]
) -> Batch | None:
    """Write `records` as one flush onto `base`, by a process that knows of no partition."""
    return await flush(connection, bucket, base, [Waiting(*record) for record in records], Partitions())


async def empty_books(database: Database) -> None:
    """Take everything out, for tests that write many histories into one database."""
    async with database.connection() as connection:
        await connection.execute(
            "TRUNCATE positions, entries, denials, customers, wallets, lots, charges, charge_recipients, blocks, "
            "alert_rules, states, bucket_anchors, wallet_anchors"
        )
