"""What the books cost: memory however long the history, and processor time an entry."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from metering.checkpoint.backlog import Waiting
from metering.checkpoint.books import BATCH_MAX, Books
from metering.checkpoint.continuity import ORIGIN
from metering.checkpoint.database import Database
from metering.checkpoint.flush import flush
from metering.checkpoint.partitions import Partitions
from metering.checkpoint.reconcile import reconcile
from metering.checkpoint.verify import verify_ledger
from metering.ledger.bulk_records import count_of
from metering.ledger.state import WalletState
from tests.checkpoint.scribe import NOON, Scribe
from tests.checkpoint.writing import Sql, write

MANY = 30_000
MEGABYTES = 1024 * 1024
LITTLE_BYTES = 8 * MEGABYTES
"""Lists of 30,000 records would take twice as much and more."""


async def add_events(sql: Sql, count: int) -> None:
    """Add entries that no flush wrote, each with an event of its own."""
    columns = (
        "bucket, seq, leg, id, applied_at_ms, kind, customer, amount_micros, held_change_micros, event_source, "
        "event_id, input_topic, input_offset, usage_offset_next, commands_offset_next, chunk, prev_chunk"
    )
    values = "0, 100 + n, 0, '0-' || n, $1, 'noted', 'acme', 0, 0, '/test', 'x' || n, 'usage', n, n, 0, 'c1', 'c1'"
    await sql.execute(
        f"INSERT INTO entries ({columns}) SELECT {values} FROM generate_series(1, $2) n",
        NOON,
        count,
    )


@pytest.fixture
def scribe() -> Scribe:
    scribe = Scribe()
    scribe.open("acme", 10**12)
    return scribe


async def test_restore_holds_one_batch_however_many_events_there_are(
    database: Database, sql: Sql, scribe: Scribe
) -> None:
    await write(database, 0, scribe.values())
    await add_events(sql, MANY)

    tracemalloc.start()
    async with Books(database).restore(0) as restoration:
        assert restoration is not None
        sizes = [count_of(batch) async for batch in restoration.batches()]
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert MANY < sum(sizes)
    assert BATCH_MAX >= max(sizes)
    assert peak_bytes < LITTLE_BYTES


async def test_reconcile_holds_little_however_many_wallets_there_are(
    database: Database, sql: Sql, scribe: Scribe
) -> None:
    await write(database, 0, scribe.values())
    await sql.execute(
        "INSERT INTO wallets SELECT 'c' || n, 'main', 0, 'USD', 0, 0, 0, 0, '', $1, $1 FROM generate_series(1, $2) n",
        NOON,
        MANY,
    )
    await sql.execute("ANALYZE wallets")

    async def scan() -> AsyncIterator[WalletState]:
        for number in range(1, MANY + 1):
            yield WalletState(f"c{number}", "main", "USD", 0, 0, 0, (), ())

    tracemalloc.start()
    found = await reconcile(database, scan)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [("lost", "acme")] == [(difference.what, difference.customer) for difference in found.differing]
    assert MANY + 1 == found.wallets
    assert peak_bytes < LITTLE_BYTES


@pytest.mark.slow
async def test_writer_takes_some_ten_microseconds_an_entry(database: Database) -> None:
    """The least of many flushes, because other programs share the processor. Reserve and commit of many customers."""
    scribe = Scribe()
    for number in range(300):
        scribe.open(f"customer-{number:05}", 10**12)
    for number in range(50_000):
        name = f"customer-{number * 7919 % 300:05}"
        scribe.reserve(name, f"msg-{number:012}", 7_900, channel="sms", country="ES", quantity=1)
        scribe.commit(name, f"msg-{number:012}", 7_900, channel="sms", country="ES")
    values, head, partitions, costs = scribe.values(), ORIGIN, Partitions(), []

    async with database.connection() as connection:
        for first in range(0, len(values), 5_000):
            started = time.process_time()
            records = [Waiting(*record) for record in values[first : first + 5_000]]
            batch = await flush(connection, 0, head, records, partitions)
            assert batch is not None
            costs.append((time.process_time() - started) / batch.entries * 1e6)
            head = batch.head

    print(f"writer: {min(costs):.1f} to {max(costs):.1f} µs an entry")  # noqa: T201  the figure is what it is for
    assert min(costs) < 40
    assert 0 == (await verify_ledger(database)).faults
