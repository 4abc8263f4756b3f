"""What the checkpointer's own Python costs an entry: entries of the real Lua, a real Postgres, no broker.

    python -m tests.benchmarks.checkpointer [EVENTS]

One bucket, flushes of 4,000, customers drawn Zipf-like. Told are whole flushes (the least and the median of several
rounds into empty tables), and of their steps those that are Python alone: processor time of this process. Beside it
what a turn of a plain Python loop costs at the same time.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop
from redis.asyncio import Redis

from metering.checkpoint.backlog import Waiting
from metering.checkpoint.batch import Batch
from metering.checkpoint.continuity import ORIGIN
from metering.checkpoint.database import Database
from metering.checkpoint.flush import SLICE_MAX, flush
from metering.checkpoint.partitions import Partitions
from metering.checkpoint.records import decode_record
from metering.checkpoint.schema import migrate
from metering.checkpoint.wallet_tails import NO_CREDIT, RememberedTails, WalletTail, link_rows
from metering.embedded.postgres import PostgresServer
from metering.embedded.valkey import ValkeyServer
from metering.ledger.made import make_entries
from metering.ledger.results import decode_results
from metering.worker.chunking import build_chunk
from metering.worker.collecting import settle_collector
from metering.worker.merging import InputTopic
from tests.benchmarks.recorded import MIXES, Recorded, RecordedPath, make_events
from tests.benchmarks.worker import calibrate
from tests.checkpoint.writing import empty_books

FLUSH_ENTRIES = 4_000
ROUNDS = 3


class LedgerPath(RecordedPath):
    """Keeps the records of the ledger, those of the commands included."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self.ledger: list[Waiting] = []

    async def _apply(self, topic: InputTopic, values: Sequence[bytes]) -> Recorded:
        one = await super()._apply(topic, values)
        chunk = build_chunk(self.take(topic, one.records, one.head.position), 0, self.customers, self.catalog)
        known = (chunk.carried, chunk.carried_json, chunk.digests)
        made = make_entries(0, one.head.seq + 1, one.chunk_id, one.head.chunk, decode_results(one.results), *known)
        self.ledger += [Waiting(len(self.ledger) + n, entry.value) for n, entry in enumerate(made)]
        return one


def measure_steps(ledger: list[Waiting]) -> dict[str, float]:
    """Return the microseconds of an entry by step: decoding alone, folding with it, and linking to the chains."""
    started = time.process_time()
    for record in ledger:
        decode_record(record.value)
    costs = {"decode": time.process_time() - started, "decode, row, fold": 0.0, "link and hash": 0.0}
    batch, tails = Batch(0, ORIGIN), {}
    for first in range(0, len(ledger), SLICE_MAX):
        started = time.process_time()
        for record in ledger[first : first + SLICE_MAX]:
            batch.take(record.value, record.offset)
        rows = batch.take_rows()
        costs["decode, row, fold"] += time.process_time() - started
        for key, opened in batch.wallets_opened.items():
            if key not in tails:
                tails[key] = WalletTail(opened.unit, 0, NO_CREDIT, b"")
        started = time.process_time()
        link_rows(rows, tails)
        costs["link and hash"] += time.process_time() - started
    return {name: seconds / len(ledger) * 1e6 for name, seconds in costs.items()}


async def measure_flushes(database: Database, ledger: list[Waiting]) -> list[float]:
    """Write all into empty books; return the microseconds of an entry in each flush but the first, of openings."""
    await empty_books(database)
    head, partitions, remembered, costs = ORIGIN, Partitions(), RememberedTails(), []
    async with database.connection() as connection:
        for first in range(0, len(ledger), FLUSH_ENTRIES):
            records = ledger[first : first + FLUSH_ENTRIES]
            gc.collect()
            started = time.process_time()
            batch = await flush(connection, 0, head, records, partitions, remembered=remembered)
            costs.append((time.process_time() - started) / len(records) * 1e6)
            if batch is None or batch.entries != len(records):
                raise RuntimeError("not every record was written")
            head = batch.head
    return costs[1:]


async def main(events: int) -> None:
    """Record each mix on a Valkey of its own, and write it into a Postgres of its own."""
    with tempfile.TemporaryDirectory() as directory:
        valkey, postgres = ValkeyServer(Path(directory)), PostgresServer()
        await valkey.start()
        await postgres.start()
        dsn = await postgres.create_database("books")
        await migrate(dsn)
        database, redis = Database(dsn), Redis.from_url(valkey.url)
        try:
            for mix in MIXES:
                await redis.flushall()
                path = LedgerPath(redis)
                await path.run(make_events(mix, events))
                settle_collector()
                sys.stdout.write(f"\n{mix}; a turn of a plain loop: {calibrate():.1f} ns\n")
                rounds = [measure_steps(path.ledger) for _ in range(ROUNDS)]
                for step in rounds[0]:
                    sys.stdout.write(f"  {step:20} {min(one[step] for one in rounds):6.2f} us an entry\n")
                costs = [cost for _ in range(ROUNDS) for cost in await measure_flushes(database, path.ledger)]
                least, median = min(costs), statistics.median(costs)
                sys.stdout.write(f"  {'whole flush':20} {least:6.2f} us an entry, median {median:.2f}\n")
        finally:
            await redis.aclose()
            await database.close()
            await postgres.stop()
            await valkey.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", nargs="?", type=int, default=16_000)
    uvloop.run(main(parser.parse_args().events))
