"""The books, and the ledger topic if asked for, handed to the ledger's checks. Leaves checking to `checkpoint`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from metering.checkpoint.database import Database
from metering.checkpoint.faults import Fault
from metering.checkpoint.verify import Verification, verify_ledger
from metering.cli.ledger_reading import read_ledger
from metering.settings import Settings


async def verify_all(settings: Settings, *, topic: bool) -> Verification:
    """Check the books of all buckets, and with `topic` against the topic.

    Raises `Retryable` when Postgres or the broker is away.
    """
    database = Database(settings.postgres.dsn, command_seconds_max=None)

    def read(bucket: int, until: int) -> AsyncIterator[tuple[int, bytes]]:
        return read_ledger(settings.kafka, bucket, until=until)

    try:
        return await verify_ledger(database, read if topic else None)
    finally:
        await database.close()


def describe_fault(fault: Fault) -> str:
    """Return what is wrong, in one line."""
    wallet = f"{fault.customer} {fault.wallet}".strip()
    bucket = "" if fault.bucket is None else f"bucket {fault.bucket}"
    where = ", ".join(part for part in (f"entry {fault.entry}" if fault.entry else bucket, wallet) if part)
    return f"{fault.what}: {where}: {fault.why}"
