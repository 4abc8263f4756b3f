"""Reconciles in a process of its own and tells what memory it took: `python -m … DSN REDIS_URL BUCKETS`."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections.abc import AsyncIterator

from redis.asyncio import Redis

from metering.checkpoint.database import Database
from metering.checkpoint.reconcile import reconcile
from metering.ledger.live import BucketReader
from metering.ledger.state import WalletState


async def run(dsn: str, url: str, buckets: int) -> dict[str, int]:
    database = Database(dsn, command_seconds_max=None)
    async with Redis.from_url(url) as redis:

        async def scan() -> AsyncIterator[WalletState]:
            for bucket in range(buckets):
                async for wallet in BucketReader(redis, bucket).scan_wallets():
                    yield wallet

        rss_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = await reconcile(database, scan)
    await database.close()
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - rss_before
    return {"wallets": found.wallets, "drift": found.drift, "told": len(found.differing), "grown_kib": rss}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))))  # noqa: T201  its caller reads it
