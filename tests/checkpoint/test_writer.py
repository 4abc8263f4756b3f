"""A writer over time: flushes when due, other writers, Postgres going and coming, entries that contradict the books."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from metering.checkpoint import writer as writing_module
from metering.checkpoint.backlog import Backlog, Bound, Waiting
from metering.checkpoint.batch import Batch
from metering.checkpoint.database import BooksAway, Connection, Database
from metering.checkpoint.flush import flush
from metering.checkpoint.partitions import Partitions
from metering.checkpoint.writer import FlushLimits, Shared, Writer, WriterState
from metering.embedded.postgres import PostgresServer
from metering.ledger.till import Windows
from metering.observe.metrics import CheckpointerMetrics
from metering.record_batches import Record
from tests.checkpoint.scribe import Scribe
from tests.checkpoint.writing import Sql
from tests.waiting import wait_until


class Log:
    """A partition of the ledger that hands a writer its records, from wherever it seeks to."""

    def __init__(self, values: list[tuple[int, bytes]]) -> None:
        self.values = values
        self.offset = len(values)

    def seek(self, offset: int) -> None:
        self.offset = offset

    async def feed(self, writer: Writer, *, at_once: int = 50) -> None:
        """Hand over records until cancelled."""
        while True:
            if writer.state is WriterState.WRITING:
                writer.put([read(*one) for one in self.values[self.offset : self.offset + at_once]])
                self.offset = min(len(self.values), self.offset + at_once)
            await asyncio.sleep(0)


def read(offset: int, value: bytes | None) -> Record:
    """A record as a consumer hands it out."""
    record: Record = ConsumerRecord("ledger", 0, offset, 0, 0, None, value, 0, -1, 0, ())
    return record


def share(database: Database, *, entries: int = 100, seconds: float = 0.02) -> Shared:
    return Shared(
        database,
        CheckpointerMetrics(),
        FlushLimits(seconds, entries),
        Windows(),
        Bound(10_000),
        Partitions(),
        asyncio.Semaphore(2),
    )


@asynccontextmanager
async def running(shared: Shared, log: Log, bucket: int = 0, *, closes: bool = True) -> AsyncIterator[Writer]:
    """A writer that is fed. At the end it is closed, or cancelled wherever it is."""
    writer = Writer(bucket, shared, log.seek)
    task, feeding = asyncio.create_task(writer.run()), asyncio.create_task(log.feed(writer))
    try:
        yield writer
    finally:
        feeding.cancel()
        writer.close() if closes else task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def history(messages: int) -> Scribe:
    scribe = Scribe()
    for name in ("acme", "beta"):
        scribe.open(name, 10**9)
    for number in range(messages):
        name = ("acme", "beta")[number % 2]
        scribe.reserve(name, f"m{number}", 10)
        scribe.commit(name, f"m{number}", 10)
    return scribe


async def check_exact(sql: Sql, scribe: Scribe) -> None:
    """Each entry once, in order, and the wallets as the scribe has them."""
    seqs = [row["seq"] for row in await sql.fetch("SELECT seq FROM entries ORDER BY seq")]
    assert list(range(1, scribe.seq + 1)) == seqs
    wallets = await sql.fetch("SELECT customer, available_micros, held_micros, wallet_seq FROM wallets")
    assert {(name, purse.remaining - purse.held, purse.held, purse.seq) for name, purse in scribe.purses.items()} == {
        tuple(row) for row in wallets
    }


async def test_entries_are_written_by_count(database: Database, sql: Sql) -> None:
    scribe = history(60)
    shared = share(database, entries=50, seconds=3_600.0)

    async with running(shared, Log(scribe.values())) as writer:
        await wait_until(lambda: (writer.head.seq, len(writer.backlog)) == (100, scribe.seq - 100))

    assert 0 == shared.bound.entries == shared.bound.bytes
    await check_exact(sql, scribe)


async def test_entries_are_written_by_age(database: Database, sql: Sql) -> None:
    scribe = history(60)
    shared = share(database, entries=1_000, seconds=0.2)

    async with running(shared, Log(scribe.values())) as writer:
        await wait_until(lambda: writer.head.seq == scribe.seq)

    assert 0 == shared.bound.entries == shared.bound.bytes
    await check_exact(sql, scribe)


async def test_closing_writes_what_waits(database: Database, sql: Sql) -> None:
    scribe = history(5)

    async with running(share(database, seconds=3_600.0), Log(scribe.values())) as writer:
        await wait_until(lambda: len(writer.backlog) == scribe.seq)

    assert WriterState.CLOSED is writer.state
    await check_exact(sql, scribe)


async def test_two_writers_of_one_bucket_write_each_entry_once(database: Database, sql: Sql) -> None:
    scribe = history(1_000)
    one, other = share(database, entries=37), share(database, entries=53)

    async with running(one, Log(scribe.values())) as first, running(other, Log(scribe.values())) as second:
        await wait_until(lambda: max(first.head.seq, second.head.seq) == scribe.seq)

    await check_exact(sql, scribe)
    written = sum(shared.metrics.entries_written._value.get() for shared in (one, other))
    assert scribe.seq == written
    assert sum(shared.metrics.conflicts._value.get() for shared in (one, other)) > 0


async def test_writer_cancelled_anywhere_leaves_the_rest_to_the_next(database: Database, sql: Sql) -> None:
    scribe, luck = history(500), random.Random(7)
    log = Log(scribe.values())

    for _ in range(25):
        async with running(share(database, entries=60, seconds=0.0), log, closes=False):
            await asyncio.sleep(luck.uniform(0.0, 0.08))
    async with running(share(database), log) as writer:
        await wait_until(lambda: writer.head.seq == scribe.seq)

    await check_exact(sql, scribe)


async def test_commit_whose_answer_is_lost_is_found_out_and_not_repeated(
    database: Database, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    scribe = history(50)
    lost: list[int] = []

    async def flush_and_lose_the_answer(connection: Connection, *arguments: Any) -> Batch | None:
        batch = await flush(connection, *arguments)
        if batch is not None and len(lost) < 3:
            lost.append(batch.head.seq)
            raise BooksAway("the answer was lost")
        return batch

    monkeypatch.setattr(writing_module, "flush", flush_and_lose_the_answer)
    shared = share(database, entries=10)

    async with running(shared, Log(scribe.values())) as writer:
        await wait_until(lambda: writer.head.seq == scribe.seq)

    assert 3 == len(lost)
    await check_exact(sql, scribe)


async def test_postgres_killed_during_flushes_gets_every_entry_once(
    database: Database, postgres: PostgresServer, books_dsn: str
) -> None:
    scribe, luck = history(2_000), random.Random(3)
    shared = share(database, entries=40, seconds=0.01)

    async with running(shared, Log(scribe.values())) as writer:
        for kill in range(3):
            await wait_until(lambda due=scribe.seq * (kill + 1) // 5: writer.head.seq >= due)  # type: ignore[misc]
            await asyncio.sleep(luck.uniform(0.0, 0.02))
            await postgres.kill()
            await asyncio.sleep(0.2)
            await postgres.start()
        await wait_until(lambda: writer.head.seq == scribe.seq)

    async with database.connection() as sql:
        await check_exact(sql, scribe)
    assert shared.metrics.flush_failures._value.get() > 0


async def test_bucket_that_contradicts_the_books_stops_alone_and_goes_on_when_mended(
    database: Database, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing_module, "STOPPED_SECONDS", 0.1)
    bad, good = history(5), Scribe(bucket=1)
    good.open("other", 7)
    shared = share(database)
    log = Log(bad.values())
    broken = log.values[5]
    log.values[5] = (5, broken[1].replace(b'"wallet_seq":', b'"wallet_seq":7'))

    async with running(shared, log) as writer, running(shared, Log(good.values()), bucket=1) as sound:
        await wait_until(lambda: writer.state is WriterState.STOPPED and sound.head.seq == good.seq)
        assert 0 == await sql.fetchval("SELECT count(*) FROM entries WHERE bucket = 0")
        log.values[5] = broken
        await wait_until(lambda: writer.head.seq == bad.seq)


async def test_books_that_are_away_when_it_opens_are_waited_for(
    postgres: PostgresServer, database: Database, books_dsn: str
) -> None:
    scribe = history(3)
    await postgres.stop()

    async with running(share(database), Log(scribe.values())) as writer:
        await asyncio.sleep(0.3)
        assert WriterState.OPENING is writer.state
        assert writer.age_seconds > 0.2
        await postgres.start()
        await wait_until(lambda: writer.head.seq == scribe.seq)


def test_backlog_is_bounded_by_entries_and_by_bytes() -> None:
    bound = Bound(entries_max=4, bytes_max=100)
    times = iter(range(100))
    backlog = Backlog(bound, clock=lambda: float(next(times)))
    assert 0.0 == backlog.age_seconds
    backlog.put([read(0, b"x" * 99)])
    assert (False, False) == (bound.is_full, bound.has_room)
    backlog.put([read(1, b"x"), read(2, None)])
    assert bound.is_full
    assert 2.0 == backlog.age_seconds
    backlog.take_out(1)
    assert (False, True) == (bound.is_full, bound.has_room)
    assert [Waiting(1, b"x", 1.0), Waiting(2, b"", 1.0)] == backlog.first(10)
    assert all(type(waiting) is Waiting for waiting in backlog.first(10))
    backlog.clear()
    assert (0, 0) == (bound.entries, bound.bytes)
