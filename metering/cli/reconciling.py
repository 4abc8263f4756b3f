"""Every wallet of every bucket handed to the books' reconciliation. Leaves comparing to `checkpoint`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from metering.checkpoint.database import Database
from metering.checkpoint.reconcile import DIFFERING_MAX, Difference, Reconciliation, reconcile
from metering.cli.kafka import count_buckets
from metering.ledger.connection import connect_redis
from metering.ledger.live import BucketReader
from metering.ledger.state import WalletState
from metering.settings import Settings


async def reconcile_all(settings: Settings, differing_max: int = DIFFERING_MAX) -> Reconciliation:
    """Compare all buckets; tell of `differing_max` differences one by one.

    Raises `Fatal` without topics, `Retryable` when Redis, Postgres or the broker is away.
    """
    buckets = await count_buckets(settings.kafka)
    database = Database(settings.postgres.dsn, command_seconds_max=None)
    try:
        async with connect_redis(settings.redis.url) as redis:

            async def scan() -> AsyncIterator[WalletState]:
                for bucket in range(buckets):
                    async for wallet in BucketReader(redis, bucket).scan_wallets():
                        yield wallet

            return await reconcile(database, scan, differing_max=differing_max)
    finally:
        await database.close()


def describe_difference(difference: Difference) -> str:
    """Return what differs, in one line."""
    where = (
        f"bucket {difference.bucket}" if difference.bucket is not None else f"{difference.customer} {difference.wallet}"
    )
    sides = {"Redis": difference.live, "books": difference.books, "entries": difference.entries}
    told = "; ".join(
        f"{side}: {', '.join(f'{name} {value}' for name, value in figures.items())}"
        for side, figures in sides.items()
        if figures
    )
    return f"{difference.what}: {where}: {told}"
