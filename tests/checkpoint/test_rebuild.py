"""The books built again from the topic: the same as they were, after any interruption, and never over other books."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from metering.checkpoint.database import Database
from metering.checkpoint.rebuild import FLUSH_ENTRIES, ReadFrom, rebuild
from metering.checkpoint.verify import verify_ledger
from metering.embedded.postgres import PostgresServer
from metering.errors import Fatal
from metering.ledger.till import Windows
from tests.checkpoint.same_books import differing_tables
from tests.checkpoint.scribe import Scribe
from tests.checkpoint.writing import Sql, write

BUCKETS = 3
MESSAGES = FLUSH_ENTRIES // 2 + 200


class Topic:
    """The ledger topic; reading it ends after `readable` records in all, as a process would."""

    def __init__(self, scribes: list[Scribe]) -> None:
        self.records = {scribe.bucket: scribe.values() for scribe in scribes}
        self.readable = 10**9

    async def read(self, bucket: int, start: int) -> AsyncIterator[tuple[int, bytes]]:
        for offset, value in self.records.get(bucket, []):
            if offset >= start:
                if self.readable == 0:
                    raise ConnectionResetError("the process is killed")
                self.readable -= 1
                yield offset, value


@pytest_asyncio.fixture
async def empty(postgres: PostgresServer, migrated_template: str) -> AsyncIterator[str]:
    """The address of a second database with the newest schema."""
    name = f"rebuilt_{secrets.token_hex(6)}"
    server = await asyncpg.connect(postgres.dsn_of("postgres"))
    await server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{migrated_template}"')
    await server.close()
    yield postgres.dsn_of(name)
    await postgres.drop_database(name)


@pytest_asyncio.fixture
async def empty_sql(empty: str) -> AsyncIterator[Sql]:
    connection = await asyncpg.connect(empty)
    yield connection
    await connection.close()


def a_history(bucket: int, messages: int) -> Scribe:
    scribe = Scribe(bucket=bucket)
    name = f"acme-{bucket}"
    scribe.open(name, 10**9)
    scribe.open_wallet(name, "ann")
    for number in range(messages):
        scribe.next_chunk = f"c{number // 100}"
        scribe.reserve(name, f"m{number}", 10)
        if number % 50 == 0:
            scribe.deny_blocked(name, "s")
            scribe.transfer(name, 5, "ann")
        scribe.commit(name, f"m{number}", 10)
    return scribe


async def written(database: Database) -> Topic:
    """Books as a checkpointer writes them, in flushes of other sizes, and their topic. The last bucket is empty."""
    scribes = [a_history(0, MESSAGES), a_history(1, 30)]
    for scribe in scribes:
        records = scribe.values()
        for first in range(0, len(records), 1_700):
            await write(database, scribe.bucket, records[first : first + 1_700])
    return Topic(scribes)


async def rebuild_into(dsn: str, read: ReadFrom, *, resume: bool = False) -> int:
    database = Database(dsn)
    try:
        return (await rebuild(database, read, BUCKETS, Windows(), resume=resume)).entries
    finally:
        await database.close()


@pytest.mark.parametrize("read_before_the_kill", [None, 0, 1, FLUSH_ENTRIES - 1, FLUSH_ENTRIES + 40])
async def test_rebuilt_books_are_the_same_also_when_it_was_killed_and_resumed(
    database: Database, sql: Sql, empty: str, empty_sql: Sql, read_before_the_kill: int | None
) -> None:
    topic = await written(database)
    if read_before_the_kill is not None:
        topic.readable = read_before_the_kill
        with pytest.raises(ConnectionResetError):
            await rebuild_into(empty, topic.read)
        topic.readable = 10**9

    await rebuild_into(empty, topic.read, resume=read_before_the_kill is not None)

    assert [] == await differing_tables(sql, empty_sql)
    assert 0 == (await verify_ledger(Database(empty))).faults


async def test_books_that_are_there_are_refused_and_left_alone(database: Database, sql: Sql) -> None:
    topic = Topic([a_history(0, 10)])
    await write(database, 0, topic.records[0])

    with pytest.raises(Fatal, match="there are books in this database"):
        await rebuild(database, topic.read, BUCKETS, Windows())

    assert len(topic.records[0]) == await sql.fetchval("SELECT seq FROM positions")


async def test_topic_without_its_beginning_is_refused_and_nothing_is_written(database: Database, sql: Sql) -> None:
    topic = Topic([a_history(0, 10)])
    del topic.records[0][:3]

    with pytest.raises(Fatal, match="bucket 0 does not begin with its first entry"):
        await rebuild(database, topic.read, BUCKETS, Windows())

    assert 0 == await sql.fetchval("SELECT count(*) FROM entries")


async def test_checkpointer_that_writes_meanwhile_is_noticed(database: Database) -> None:
    topic = Topic([a_history(0, MESSAGES)])

    async def read(bucket: int, start: int) -> AsyncIterator[tuple[int, bytes]]:
        async for offset, value in topic.read(bucket, start):
            if bucket == 0 and offset == FLUSH_ENTRIES + 10:
                position = topic.records[0][FLUSH_ENTRIES : FLUSH_ENTRIES + 5]
                await write(database, 0, position)
            yield offset, value

    with pytest.raises(Fatal, match="another program writes the books of bucket 0"):
        await rebuild(database, read, BUCKETS, Windows())
