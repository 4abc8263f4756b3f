"""Reconciling many wallets takes the memory of a few."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from redis.asyncio import Redis

from metering.checkpoint.books import Books
from metering.checkpoint.database import Database
from metering.embedded.valkey import ValkeyServer
from metering.ledger.identity import fresh_token
from metering.ledger.till import Till
from tests.checkpoint.many_wallets import make_books
from tests.checkpoint.writing import Sql

WALLETS = 200_000
BUCKETS = 4
GROWN_KIB_MAX = 24 * 1024
"""What pages of both sides take while they are compared. As objects the wallets would be ten times as much."""


async def reconcile_alone(dsn: str, url: str) -> dict[str, int]:
    arguments = ["-m", "tests.checkpoint.reconcile_alone", dsn, url, str(BUCKETS)]
    child = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path.cwd())}
    )
    output, _ = await child.communicate()
    found: dict[str, int] = json.loads(output)
    return found


async def test_two_hundred_thousand_wallets_are_compared_in_bounded_memory(
    fresh_redis: Redis, valkey: ValkeyServer, database: Database, books_dsn: str, sql: Sql
) -> None:
    await make_books(sql, wallets=WALLETS, ids=0, buckets=BUCKETS)
    for bucket in range(BUCKETS):
        till, token = Till(fresh_redis, bucket), fresh_token()
        await till.claim(token)
        async with Books(database).restore(bucket) as restoration:
            assert restoration is not None
            position = restoration.position.head
            assert await till.restore(token, position, 0, restoration.blocks, restoration.batches())

    agreed = await reconcile_alone(books_dsn, valkey.url)
    await sql.execute("UPDATE wallets SET available_micros = available_micros + 1 WHERE bucket = 1")
    differing = await reconcile_alone(books_dsn, valkey.url)

    assert (WALLETS, 0) == (agreed["wallets"], agreed["drift"])
    # Each of the bucket's wallets differs from the till, and from its entries.
    assert (WALLETS // BUCKETS * 2, 100) == (differing["drift"], differing["told"])
    assert agreed["grown_kib"] < GROWN_KIB_MAX
    assert differing["grown_kib"] < GROWN_KIB_MAX
