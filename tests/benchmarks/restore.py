"""How long a worker takes to restore all its buckets from the books, after Redis has lost everything; then reconciles.

    python -m tests.benchmarks.restore [WALLETS [IDS [BUCKETS]]]

Postgres, Valkey and this process, which stands for the worker, on one machine. Beside the figures: where the time went.
Reconciling begins when they are told, and may be interrupted.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time

import psutil
import uvloop
from redis.asyncio import Redis

from metering.checkpoint.books import CONNECTIONS_MAX, Books
from metering.checkpoint.database import Database
from metering.checkpoint.schema import migrate
from metering.embedded.postgres import PostgresServer
from metering.embedded.valkey import ValkeyServer
from metering.ledger.identity import fresh_token
from metering.ledger.live import BucketReader
from metering.ledger.till import Till
from metering.worker.collecting import settle_collector
from tests.checkpoint.many_wallets import make_books

KIBIBYTES_A_MEBIBYTE = 1024


async def measure(wallets: int, ids: int, buckets: int) -> None:
    """Make the books, restore every bucket, look at one of them, and say what it took."""
    async with PostgresServer() as postgres, ValkeyServer(appendonly=True) as valkey:
        await migrate(postgres.dsn)
        database = Database(postgres.dsn, connections_max=CONNECTIONS_MAX, command_seconds_max=None)
        async with database.connection() as connection:
            await make_books(connection, wallets=wallets, ids=ids, buckets=buckets)
        _say(f"books of {wallets:,} wallets and {ids:,} ids in {buckets} buckets")
        books = Books(database)
        settle_collector()
        async with Redis.from_url(valkey.url) as redis:
            before, started = _processor_seconds(postgres, valkey), time.monotonic()
            records = await asyncio.gather(*(_restore(books, redis, bucket) for bucket in range(buckets)))
            seconds = time.monotonic() - started
            after = _processor_seconds(postgres, valkey)
            found = 0
            async for wallet in BucketReader(redis, 0).scan_wallets():
                found += 1
                if wallet.lots[0].remaining_micros != 1_000_000 + int(wallet.customer[9:]):
                    raise SystemExit(f"{wallet} is not as it was")
        if found < wallets // buckets:
            raise SystemExit(f"bucket 0 has {found} wallets")
        await database.close()
        used = {name: after[name] - before[name] for name in before}
        rate = f"{wallets / seconds:,.0f} wallets/s with their customers and ids"
        _say(f"{sum(records):,} records in {seconds:.1f} s: {rate}")
        _say("processor seconds: " + ", ".join(f"{name} {value:.1f}" for name, value in used.items()))
        _say(f"memory of the worker: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // KIBIBYTES_A_MEBIBYTE} MiB")
        alone = [sys.executable, "-m", "tests.checkpoint.reconcile_alone", postgres.dsn, valkey.url, str(buckets)]
        started = time.monotonic()
        child = await asyncio.create_subprocess_exec(*alone, stdout=asyncio.subprocess.PIPE)
        output, _ = await child.communicate()
        _say(f"reconciled in {time.monotonic() - started:.1f} s: {output.decode().strip()}")


async def _restore(books: Books, redis: Redis, bucket: int) -> int:
    till, token = Till(redis, bucket), fresh_token()
    await till.claim(token)
    async with books.restore(bucket) as restoration:
        if restoration is None:
            raise SystemExit(f"bucket {bucket} has no books")
        loaded = await till.restore(token, restoration.position.head, 0, restoration.blocks, restoration.batches())
    if not isinstance(loaded, int):
        raise SystemExit(f"bucket {bucket} was lost")
    return loaded


def _processor_seconds(postgres: PostgresServer, valkey: ValkeyServer) -> dict[str, float]:
    return {
        "worker": sum(os.times()[:2]),
        "Redis": _of(valkey.pid or 0),
        "Postgres": sum(_of(child.pid) for child in psutil.Process(postgres.pid or 0).children()),
    }


def _of(pid: int) -> float:
    used = psutil.Process(pid).cpu_times()
    return used.user + used.system


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    figures = [int(text.replace(",", "")) for text in sys.argv[1:]]
    uvloop.run(measure(*(figures + [1_000_000, 1_000_000, 12][len(figures) :])))
