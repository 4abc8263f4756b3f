"""What an entry costs the checkpointer, and Postgres under it: entries of the real Lua, a real Postgres, no broker.

    python -m tests.benchmarks.checkpointer [EVENTS]

One bucket, flushes of 4,000, customers drawn Zipf-like. Told are whole flushes (the least and the median of several
rounds into empty tables), and of their steps those that are this process alone: its processor time. Of Postgres it is
that of all its processes, over a whole round, 10 ms exact: more events tell it better. Where there are compiled steps,
rounds with them and without take turns. Beside it what a turn of a plain Python loop costs.
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

from metering import native
from metering.checkpoint.backlog import Waiting
from metering.checkpoint.batch import Batch
from metering.checkpoint.continuity import ORIGIN
from metering.checkpoint.database import Database
from metering.checkpoint.entry_rows import WIDTHS, row_of_value
from metering.checkpoint.flush import flush, slices
from metering.checkpoint.partitions import Partitions
from metering.checkpoint.schema import migrate
from metering.checkpoint.wallet_tails import NO_CREDIT, RememberedTails, WalletTail, link_rows
from metering.cli.benchmark.accounts import cpu_seconds
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
    """Return the microseconds of an entry by step: folding, with all that it takes to read, and linking to the chains.

    Where compiled steps are used, the second makes the bytes of COPY as well. The first flush opens wallets: left out.
    """
    batch, tails, folding, linking = Batch(0, ORIGIN), {}, 0.0, 0.0
    for first in range(0, len(ledger), FLUSH_ENTRIES):
        if first == FLUSH_ENTRIES:
            folding = linking = 0.0
        for part in slices(batch, ledger[first : first + FLUSH_ENTRIES]):
            started = time.process_time()
            batch.take_all(part)
            rows = batch.take_rows()
            folding += time.process_time() - started
            for key, opened in batch.wallets_opened.items():
                if key not in tails:
                    tails[key] = WalletTail(opened.unit, 0, NO_CREDIT, b"")
            started = time.process_time()
            if batch.sheet is None:
                link_rows(rows, tails)
            else:
                batch.sheet.copy(rows, tails, link_rows, row_of_value, WIDTHS)
            linking += time.process_time() - started
    entries = len(ledger) - FLUSH_ENTRIES
    return {"read, row, fold": folding / entries * 1e6, "link and hash": linking / entries * 1e6}


async def measure_flushes(database: Database, postgres_pid: int, ledger: list[Waiting]) -> tuple[list[float], float]:
    """Write all into empty books; return the microseconds of an entry in each flush but the first, of openings.

    Beside them those that Postgres took, over all of these flushes.
    """
    await empty_books(database)
    postgres_seconds = 0.0
    head, partitions, remembered, costs = ORIGIN, Partitions(), RememberedTails(), []
    async with database.connection() as connection:
        for first in range(0, len(ledger), FLUSH_ENTRIES):
            records = ledger[first : first + FLUSH_ENTRIES]
            gc.collect()
            if first == FLUSH_ENTRIES:
                postgres_seconds = cpu_seconds(postgres_pid)
            started = time.process_time()
            batch = await flush(connection, 0, head, records, partitions, remembered=remembered)
            costs.append((time.process_time() - started) / len(records) * 1e6)
            if batch is None or batch.entries != len(records):
                raise RuntimeError("not every record was written")
            head = batch.head
    postgres_seconds = cpu_seconds(postgres_pid) - postgres_seconds
    return costs[1:], postgres_seconds / (len(ledger) - FLUSH_ENTRIES) * 1e6


async def measure_by_turns(
    database: Database, postgres_pid: int, ledger: list[Waiting]
) -> dict[bool, tuple[dict[str, float], list[float]]]:
    """Return the least cost of each step, and that of each flush, without compiled steps and with them."""
    found: dict[bool, tuple[dict[str, float], list[float]]] = {}
    for _ in range(ROUNDS):
        for is_on in (False, True) if native.in_use else (False,):
            with native.forced(is_on=is_on):
                steps = measure_steps(ledger)
                costs, steps["Postgres, a whole flush"] = await measure_flushes(database, postgres_pid, ledger)
            known = found.setdefault(is_on, (steps, []))
            known[0].update({step: min(cost, known[0][step]) for step, cost in steps.items()})
            known[1].extend(costs)
    return found


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
                found = await measure_by_turns(database, postgres.pid, path.ledger)
                sys.stdout.write(f"\n{mix}; a turn of a plain loop: {calibrate():.1f} ns\n")
                for is_on, (steps, costs) in found.items():
                    sys.stdout.write(f"  {'compiled' if is_on else 'Python'}\n")
                    for step, cost in steps.items():
                        sys.stdout.write(f"    {step:23} {cost:6.2f} us an entry\n")
                    least, median = min(costs), statistics.median(costs)
                    sys.stdout.write(f"    {'whole flush':23} {least:6.2f} us an entry, median {median:.2f}\n")
        finally:
            await redis.aclose()
            await database.close()
            await postgres.stop()
            await valkey.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", nargs="?", type=int, default=16_000)
    uvloop.run(main(parser.parse_args().events))
