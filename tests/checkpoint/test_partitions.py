"""A day is there when its entries are written, whoever made it and whenever, and whoever took it away."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from metering.checkpoint.backlog import Waiting
from metering.checkpoint.continuity import ORIGIN
from metering.checkpoint.database import BooksRefuse, Database
from metering.checkpoint.flush import flush
from metering.checkpoint.partitions import DAY_MS, Partitions
from tests.checkpoint.scribe import NOON, Scribe
from tests.checkpoint.writing import Sql, write

CHASERS = 3
DAYS = 20

CHASE = """CREATE FUNCTION chase(day bigint) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    LOOP  -- until another session's commit shows the partition
        EXIT WHEN EXISTS (SELECT FROM pg_class WHERE relname = 'entries_' || to_char(at(day * 86400000), 'YYYYMMDD'));
    END LOOP;
    PERFORM make_partition(day * 86400000);
    INSERT INTO entries SELECT (json_populate_record(e, json_build_object('applied_at_ms', day * 86400000))).*
        FROM entries e WHERE seq = 1;
    DELETE FROM entries WHERE applied_at_ms = day * 86400000;
    RETURN 1;
END $$"""


async def test_day_that_another_session_has_only_just_made_takes_entries(
    database: Database, books_dsn: str, sql: Sql
) -> None:
    """It did not, once in about a hundred times: the commit could be seen before the sessions were told of it."""
    scribe = Scribe()
    scribe.open("acme")
    await write(database, 0, scribe.values())
    await sql.execute(CHASE)
    chasers = [await asyncpg.connect(books_dsn) for _ in range(CHASERS)]
    try:
        for day in range(NOON // DAY_MS + 10, NOON // DAY_MS + 10 + DAYS):
            written = [asyncio.create_task(chaser.fetchval("SELECT chase($1)", day)) for chaser in chasers]
            await asyncio.sleep(0.005)
            await sql.execute("SELECT make_partition($1)", day * DAY_MS)
            assert [1] * CHASERS == await asyncio.gather(*written)
    finally:
        for chaser in chasers:
            chaser.terminate()


async def test_day_is_not_taken_for_made_before_its_maker_is_through(books_dsn: str, sql: Sql) -> None:
    await sql.execute("SELECT make_partition($1)", NOON)
    maker = await asyncpg.connect(books_dsn)
    try:
        async with maker.transaction():  # as it holds the lock when its commit shows, and not everybody knows
            await maker.execute("SELECT make_partition($1)", NOON)
            await sql.execute("SET lock_timeout = 50")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await sql.execute("SELECT make_partition($1)", NOON)
    finally:
        await maker.close()
    assert 0 == await sql.fetchval("SELECT make_partition($1)", NOON)


async def test_day_that_is_gone_though_this_process_knows_it_is_made_again(database: Database, sql: Sql) -> None:
    scribe, partitions = Scribe(), Partitions()
    scribe.open("acme", 100)
    records = [Waiting(*record) for record in scribe.values()]
    async with database.connection() as connection:
        await partitions.make(connection, partitions.missing([NOON // DAY_MS]))
        await sql.execute("DROP TABLE entries_20260301, denials_20260301")

        batch = await flush(connection, 0, ORIGIN, records, partitions)

    assert batch is not None
    assert 2 == batch.entries == await sql.fetchval("SELECT count(*) FROM entries")


async def test_day_that_nobody_can_make_is_an_error_and_no_loop(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme", 100)
    await sql.execute("CREATE OR REPLACE FUNCTION make_partition(moment_ms bigint) RETURNS integer RETURN 0")

    with pytest.raises(BooksRefuse, match="no partition"):
        await write(database, 0, scribe.values())
