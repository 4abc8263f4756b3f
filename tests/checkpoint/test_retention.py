"""Days past the retention go, with anchors in their place: every check, statement and restore holds as before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from metering.checkpoint.database import BooksAway, Database
from metering.checkpoint.housekeeping import tidy
from metering.checkpoint.reconcile import reconcile
from metering.checkpoint.retention import put_away_next, read_status
from metering.checkpoint.retention_rounds import Retention
from metering.checkpoint.statement import balances
from metering.checkpoint.verify import verify_ledger
from metering.ledger.till import Windows
from metering.observe.metrics import CheckpointerMetrics
from tests.checkpoint.months import (
    DAY_MS,
    DAYS,
    EMPTY,
    GONE,
    RETENTION_DAYS,
    long_history,
    put_all_away,
    restored_state,
)
from tests.checkpoint.same_books import contents
from tests.checkpoint.scribe import NOON, Scribe
from tests.checkpoint.test_reconcile import Till
from tests.checkpoint.test_verify import topic_of
from tests.checkpoint.writing import Sql, write
from tests.waiting import wait_until

FIRST_DAY_ENTRIES = 17
"""Entries of the first day of a long history, those that are only counted included."""


async def write_long(database: Database, bucket: int = 0) -> Scribe:
    scribe = long_history(bucket)
    await write(database, bucket, scribe.values())
    return scribe


async def check_all(database: Database, scribe: Scribe, put_away: int) -> None:
    """Check that the ledger is whole, so many of its entries put away."""
    found = await verify_ledger(database, topic_of(scribe.values()))
    assert (0, []) == (found.faults, found.found)
    assert (put_away, scribe.seq - put_away, scribe.seq - put_away) == (found.put_away, found.entries, found.records)
    reconciled = await reconcile(database)
    assert (0, []) == (reconciled.drift, reconciled.differing)
    assert scribe.seq == reconciled.entries


async def entries_gone(sql: Sql, bucket: int = 0) -> int:
    return int(await sql.fetchval("SELECT seq FROM bucket_anchors WHERE bucket = $1", bucket))


async def test_days_past_the_retention_go_and_every_check_holds(database: Database, sql: Sql) -> None:
    scribe = await write_long(database)
    await check_all(database, scribe, 0)
    before, state = await balances(database, "acme0"), await restored_state(database)

    done = await put_all_away(database)

    assert [*GONE, *EMPTY] == [one.day for one in done]
    assert all(one.is_whole for one in done)
    assert FIRST_DAY_ENTRIES == done[0].entries
    assert sum(one.entries for one in done) == await entries_gone(sql)
    assert NOON + 9 * DAY_MS == await sql.fetchval("SELECT min(applied_at_ms) FROM entries")
    partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent IN ('entries'::regclass, 'denials'::regclass)"
    assert 2 * (1 + 3 + 4) == await sql.fetchval(partitions)  # with two days ahead of each
    await check_all(database, scribe, await entries_gone(sql))
    assert before == await balances(database, "acme0")
    assert state == await restored_state(database)
    assert [] == await put_all_away(database)


async def test_books_go_on_after_a_cut_and_the_next_cut_moves_the_anchors(database: Database, sql: Sql) -> None:
    scribe = await write_long(database)
    await put_all_away(database)
    gone = await entries_gone(sql)
    scribe.clock += 10 * DAY_MS
    scribe.commit("acme0", "open", 7)  # held before the cut
    scribe.reserve("beta0", "late", 3)  # a wallet all of whose entries are put away
    scribe.transfer("acme0", 2, "ann")
    await write(database, 0, scribe.values())
    await check_all(database, scribe, gone)
    assert ("committed", 0) == tuple(
        await sql.fetchrow("SELECT state, held_micros FROM charges WHERE charge_id = 'open'") or ()
    )

    assert ["20260305", "20260310", "20260311", "20260312"] == [one.day for one in await put_all_away(database)]

    assert gone < await entries_gone(sql)
    await check_all(database, scribe, await entries_gone(sql))
    sums = "SELECT sum(value::bigint)::bigint FROM wallet_anchors, jsonb_each_text(sums) WHERE customer = 'acme0'"
    total = "SELECT sum(available_micros + held_micros)::bigint FROM wallet_anchors WHERE customer = 'acme0'"
    assert await sql.fetchval(total) == await sql.fetchval(sums)


async def test_nothing_goes_that_is_not_past_the_retention(database: Database, sql: Sql) -> None:
    await write_long(database)

    assert [] == await put_all_away(database, DAYS[-1] + 1)

    assert (None, [], []) == (
        (status := await read_status(database, None)).retention_days, status.days_due, status.put_away,
    )  # fmt: skip
    assert [*GONE, *EMPTY] == (await read_status(database, RETENTION_DAYS)).days_due
    assert 0 == await sql.fetchval("SELECT count(*) FROM bucket_anchors")


async def test_clock_that_runs_ahead_of_the_server_puts_nothing_away(database: Database, sql: Sql) -> None:
    scribe = await write_long(database)
    await sql.execute("UPDATE positions SET clock_ms = $1", NOON + 100_000 * DAY_MS)
    now_ms = await sql.fetchval("SELECT ms(clock_timestamp())")

    kept_days = (now_ms - NOON) // DAY_MS + 2
    assert [] == await put_all_away(database, kept_days)
    assert scribe.seq > 0


async def test_books_in_which_nothing_stands_yet_have_no_present(database: Database, sql: Sql) -> None:
    await sql.execute("SELECT make_partition($1)", NOON)  # as before the first flush

    assert [] == await put_all_away(database)

    status = await read_status(database, RETENTION_DAYS)
    assert (1, "20260301", []) == (status.days, status.oldest_day, status.days_due)


async def test_bucket_that_stands_still_keeps_what_its_window_needs(database: Database, sql: Sql) -> None:
    scribe = await write_long(database)
    still = Scribe(bucket=1)
    still.open("still", 100)
    still.clock += 2 * DAY_MS
    still.top_up("still", 1)
    for number in range(3):
        still.clock += 3_600_000
        still.reserve("still", f"s{number}", 1)
        still.deny_blocked("still", "+1")
    await write(database, 1, still.values())
    state = await restored_state(database, 1)

    done = await put_all_away(database)

    assert ["20260301", "20260303"] == [one.day for one in done if not one.is_whole]
    assert await restored_state(database, 1) == state
    left = "SELECT count(*), min(bucket) FROM entries WHERE applied_at_ms < $1"
    assert (6, 1) == tuple(await sql.fetchrow(left, NOON + 5 * DAY_MS) or ())
    found = await verify_ledger(database)
    assert (0, await entries_gone(sql)) == (found.faults, found.put_away)
    assert 0 == (await reconcile(database)).drift
    assert [] == await put_all_away(database)

    still.clock = scribe.clock
    still.commit("still", "s0", 1)
    await write(database, 1, still.values())

    again = [(one.day, one.entries, one.is_whole) for one in await put_all_away(database)]
    assert [("20260301", 2, True), ("20260303", 7, True)] == again
    assert 0 == (await verify_ledger(database)).faults
    assert 0 == (await reconcile(database)).drift


async def test_bucket_that_is_written_late_gets_its_days_back_until_the_next_round(
    database: Database, sql: Sql
) -> None:
    scribe = await write_long(database)
    await put_all_away(database)
    late = await write_long(database, 1)
    assert 0 == (await verify_ledger(database)).faults

    done = await put_all_away(database)

    assert [*GONE, *EMPTY] == [one.day for one in done]
    assert FIRST_DAY_ENTRIES == done[0].entries
    assert await entries_gone(sql, 0) == await entries_gone(sql, 1)
    assert 0 == (await verify_ledger(database)).faults
    assert scribe.seq + late.seq == (await reconcile(database)).entries


async def test_denials_that_are_merged_by_hour_are_put_away_with_their_day(database: Database, sql: Sql) -> None:
    scribe = await write_long(database)
    async with database.connection() as connection:
        for _ in range(10):
            await tidy(connection, 0, scribe.clock, Windows())

    await put_all_away(database)

    await check_all(database, scribe, await entries_gone(sql))


async def waiting_backend(sql: Sql) -> int | None:
    query = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    found: int | None = await sql.fetchval(query)
    return found


async def test_kill_before_the_commit_leaves_all_as_it_was(
    database: Database, sql: Sql, books_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metering.checkpoint.retention.ROWS_LOCK_MS", 60_000)
    scribe = await write_long(database)
    before = await contents(sql)
    reader = Database(books_dsn)
    async with reader.connection() as connection, connection.transaction():
        await connection.fetch("SELECT * FROM entries_20260301 LIMIT 1")
        putting = asyncio.create_task(put_away_next(database, RETENTION_DAYS, Windows()))
        await wait_until(lambda: waiting_backend(sql), "the rows wait for their reader")
        assert not putting.done()  # the anchors are written, only the rows are not gone
        await sql.execute("SELECT pg_terminate_backend($1)", await waiting_backend(sql))
        with pytest.raises(BooksAway):
            await putting
    await reader.close()
    assert before == await contents(sql)

    assert [*GONE, *EMPTY] == [one.day for one in await put_all_away(database)]
    await check_all(database, scribe, await entries_gone(sql))


async def test_reader_of_a_day_puts_it_off_and_holds_up_no_flush(
    database: Database, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metering.checkpoint.retention.ROWS_LOCK_MS", 50)
    scribe = await write_long(database)
    async with sql.transaction():
        await sql.fetch("SELECT * FROM entries_20260301 LIMIT 1")
        with pytest.raises(BooksAway):
            await put_all_away(database)
        scribe.top_up("acme0", 1)
        await write(database, 0, scribe.values())

    assert [*GONE, *EMPTY] == [one.day for one in await put_all_away(database)]


async def test_long_reader_of_all_days_puts_off_the_partition_and_not_the_rows(database: Database, sql: Sql) -> None:
    """Killed between the two it is the same: the rows are gone, the empty partition is dropped later."""
    scribe = await write_long(database)
    async with sql.transaction():
        await sql.execute("LOCK TABLE ONLY entries IN ACCESS SHARE MODE")
        assert [*GONE] == [one.day for one in await put_all_away(database)]
        assert 0 == await sql.fetchval("SELECT count(*) FROM entries_20260301")
    await check_all(database, scribe, await entries_gone(sql))

    assert [(day, 0) for day in (*GONE, *EMPTY)] == [(one.day, one.entries) for one in await put_all_away(database)]
    assert await sql.fetchval("SELECT to_regclass('entries_20260301') IS NULL")


async def test_two_at_once_do_not_both_do_it(database: Database, sql: Sql, books_dsn: str) -> None:
    scribe = await write_long(database)
    other = Database(books_dsn)

    async def until_done(one: Database) -> list[str]:
        days = []
        while (await read_status(one, RETENTION_DAYS)).days_due:
            days += [found.day for found in await put_all_away(one) if found.entries]
        return days

    mine, its = await asyncio.gather(until_done(database), until_done(other))
    await other.close()

    assert [*GONE] == sorted(mine + its)
    await check_all(database, scribe, await entries_gone(sql))


async def test_till_that_stands_at_the_cut_is_compared_with_the_anchor(database: Database) -> None:
    scribe = await write_long(database)
    await put_all_away(database)
    till = Till(scribe)
    till.wallets = [one for one in till.wallets if one.customer == "beta0"]
    scribe.reserve("beta0", "late", 3)  # after the till was scanned, and in the books before they are read
    await write(database, 0, scribe.values())

    async def scan() -> AsyncIterator[object]:
        for wallet in till.wallets:
            yield wallet

    found = await reconcile(database, scan)  # type: ignore[arg-type]

    assert [] == [one for one in found.differing if one.what == "figures"]


async def test_round_counts_what_it_does_and_what_it_cannot(database: Database, sql: Sql, books_dsn: str) -> None:
    await write_long(database)
    metrics = CheckpointerMetrics()
    retention = Retention(books_dsn, RETENTION_DAYS, Windows(), metrics)

    await sql.execute("UPDATE entries SET amount_micros = 3 WHERE id = '0-2'")
    await retention.run()
    assert (1, 0) == (metrics.retention_failures._value.get(), metrics.days_put_away._value.get())

    await sql.execute("UPDATE entries SET amount_micros = 1000 WHERE id = '0-2'")
    await retention.run()
    assert (len(GONE + EMPTY), 0) == (metrics.days_put_away._value.get(), metrics.days_due._value.get())
    await retention.close()
