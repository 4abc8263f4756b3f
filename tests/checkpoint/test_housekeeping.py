"""What the window leaves behind is put away, and nothing that can still be met."""

from __future__ import annotations

import asyncio

from metering.checkpoint.database import Database
from metering.checkpoint.housekeeping import tidy, window_start_ms
from metering.contracts.entries import Charge
from metering.contracts.reasons import Kind
from metering.ledger.till import Windows
from tests.checkpoint.scribe import NOON, Scribe
from tests.checkpoint.writing import Sql, write

HOUR = 3_600_000
WINDOWS = Windows()


async def tidy_at(database: Database, clock_ms: int) -> None:
    async with database.connection() as connection:
        await tidy(connection, 0, clock_ms, WINDOWS)


def test_window_begins_with_the_oldest_slot_that_is_live() -> None:
    assert NOON - 36 * HOUR == window_start_ms(NOON, WINDOWS)
    assert NOON - 24 * HOUR == window_start_ms(NOON + 600_000, WINDOWS)
    assert 0 == window_start_ms(1, WINDOWS)


async def test_settled_charges_are_forgotten_after_the_window_and_held_ones_never(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme", 100)
    scribe.reserve("acme", "held", 1)
    scribe.reserve("acme", "old", 1)
    scribe.commit("acme", "old", 1)
    several = Charge("several", "expired", "main", 3, 0, 0, "sent", recipients={"+1": 1, "+2": 2})
    scribe.plain(Kind.DENIED, "acme", charge=several)
    scribe.clock += 12 * HOUR
    scribe.reserve("acme", "new", 1)
    scribe.commit("acme", "new", 1)
    await write(database, 0, scribe.values())

    await tidy_at(database, NOON + 36 * HOUR)
    assert 4 == await sql.fetchval("SELECT count(*) FROM charges")
    await tidy_at(database, NOON + 36 * HOUR + 600_000)

    assert ["held", "new"] == [row[0] for row in await sql.fetch("SELECT charge_id FROM charges ORDER BY 1")]
    assert 0 == await sql.fetchval("SELECT count(*) FROM charge_recipients")


async def test_more_charges_than_one_statement_deletes_are_all_forgotten(database: Database, sql: Sql) -> None:
    await sql.execute(
        "INSERT INTO charges SELECT 'acme', n::text, 0, 'main', 'committed', 1, 0, 1, 'sent', 0, 0, '[]', NULL, NULL, "
        "$1 FROM generate_series(1, 12000) n",
        NOON,
    )

    await tidy_at(database, NOON + 40 * HOUR)

    assert 0 == await sql.fetchval("SELECT count(*) FROM charges")


async def test_denials_out_of_the_window_become_one_row_a_sender_and_hour(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme", 1)
    for minute in (0, 10, 20, 70, 12 * 60):
        scribe.clock = NOON + minute * 60_000
        scribe.deny_blocked("acme", "+1", price_micros=2)
        scribe.deny_blocked("acme", "+2")
        await write(database, 0, scribe.values())
    counts = "SELECT sender, hour_ms, attempts, price_micros FROM denials_by_hour ORDER BY hour_ms, sender"
    before = [tuple(row) for row in await sql.fetch(counts)]
    rows = "SELECT count(*) AS rows, count(event_seqs) AS listed FROM denials"
    assert (10, 10) == tuple(await sql.fetchrow(rows) or ())

    await tidy_at(database, NOON + 36 * HOUR + 600_000)
    await tidy_at(database, NOON + 36 * HOUR + 600_000)

    assert before == [tuple(row) for row in await sql.fetch(counts)]
    assert (6, 2) == tuple(await sql.fetchrow(rows) or ())


async def test_day_that_many_writers_want_at_once_is_made_once(database: Database, sql: Sql) -> None:
    async def write_bucket(bucket: int) -> None:
        scribe = Scribe(bucket=bucket)
        scribe.open(f"customer {bucket}", 1)
        await write(database, bucket, scribe.values())

    await asyncio.gather(*(write_bucket(bucket) for bucket in range(8)))

    assert 16 == await sql.fetchval("SELECT count(*) FROM entries")
