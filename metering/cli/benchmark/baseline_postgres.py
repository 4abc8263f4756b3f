"""The baseline in Postgres: one statement an event that debits where the balance covers it, and adds the ledger's row.

Run as a child: `python -m metering.cli.benchmark.baseline_postgres DSN EVENTS CUSTOMERS CONCURRENCY`. Prints one JSON
line. asyncpg, prepared statements, a connection for each at a time, each statement its own transaction. It leaves out
Kafka, prices, lots, holds, rules: kind to the baseline.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time

import asyncpg
import msgspec
import uvloop

from metering.cli.benchmark.baselines import CREDIT_MICROS, PRICE_MICROS, Done

_TABLES = """
CREATE TABLE balances (customer bigint PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 50);
CREATE TABLE ledger (event text PRIMARY KEY, customer bigint NOT NULL, amount bigint NOT NULL, after bigint NOT NULL);
"""
_DEBIT = """
WITH debited AS (
    UPDATE balances SET balance = balance - $2 WHERE customer = $1 AND balance >= $2 RETURNING customer, balance
)
INSERT INTO ledger SELECT $3, customer, -$2, balance FROM debited
"""


async def debit_all(dsn: str, events: int, customers: int, concurrency: int) -> Done:
    """Debit `events` times and check that the balances are what they must be."""
    connections = [await asyncpg.connect(dsn) for _ in range(concurrency)]
    await connections[0].execute(_TABLES)
    fill = "INSERT INTO balances SELECT n, $1 FROM generate_series(0, $2::bigint - 1) n"
    await connections[0].execute(fill, CREDIT_MICROS, customers)
    await connections[0].execute("ANALYZE balances")
    numbers = iter(range(events))
    pick = random.Random(7).choices(range(customers), k=events)  # noqa: S311  traffic, not a secret

    async def work(connection: asyncpg.Connection[asyncpg.Record]) -> None:
        debit = await connection.prepare(_DEBIT)
        for number in numbers:
            await debit.fetchrow(pick[number], PRICE_MICROS, f"event-{number}")

    started, cpu = time.monotonic(), time.process_time()
    await asyncio.gather(*map(work, connections))
    seconds, cpu_seconds = time.monotonic() - started, time.process_time() - cpu
    entries = await connections[0].fetchval("SELECT count(*) FROM ledger")
    left = await connections[0].fetchval("SELECT sum(balance)::bigint FROM balances")
    for connection in connections:
        await connection.close()
    is_exact = entries == events and left == customers * CREDIT_MICROS - events * PRICE_MICROS
    return Done(events, round(seconds * 1000), round(cpu_seconds * 1e6 / events, 2), is_exact)


if __name__ == "__main__":
    done = uvloop.run(debit_all(sys.argv[1], *map(int, sys.argv[2:5])))
    sys.stdout.write(msgspec.json.encode(done).decode() + "\n")
