"""Postgres' primary is lost, or becomes a replica: the books go on on the other server, exactly. Leaves Kafka out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest_asyncio

from metering.checkpoint.database import BooksAway, Connection, Database
from metering.checkpoint.partitions import Partitions
from metering.checkpoint.positions import read_position
from metering.checkpoint.schema import migrate
from metering.checkpoint.verify import verify_ledger
from metering.embedded.postgres import DATABASE, SUPERUSER, PostgresServer
from metering.embedded.process import Command, Process
from tests.checkpoint.scribe import Scribe
from tests.checkpoint.writing import write

MESSAGES = 60


class Replica(PostgresServer):
    """A server that follows `primary` from its start, asynchronously."""

    def __init__(self, primary: PostgresServer) -> None:
        super().__init__()
        self._primary = primary
        self._password = primary._password

    async def _initialise(self, programs: Path) -> None:
        address = f"host=127.0.0.1 port={self._primary.port} user={SUPERUSER} password={self._password}"
        arguments = ["pg_basebackup", "-d", address, "-D", str(self.data_path), "-R", "-X", "stream", "-c", "fast"]
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        command = Command([str(programs / arguments[0]), *arguments[1:]], environment, self.work_path, self._identity)
        process = Process(command, self.log_path)
        assert await process.wait(60)
        assert process.returncode == 0, process.read_log_tail()


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[tuple[PostgresServer, Replica]]:
    async with PostgresServer() as primary, Replica(primary) as replica:
        yield primary, replica


@pytest_asyncio.fixture
async def other(pair: tuple[PostgresServer, Replica]) -> AsyncIterator[Connection]:
    """A connection to the replica."""
    connection = await asyncpg.connect(pair[1].dsn)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def database(pair: tuple[PostgresServer, Replica]) -> AsyncIterator[Database]:
    """What knows both, the replica first, and takes the one that can be written."""
    made = Database(dsn_of_both(*pair))
    yield made
    await made.close()


def dsn_of_both(primary: PostgresServer, replica: PostgresServer) -> str:
    password = primary.dsn.split(":")[2].split("@")[0]
    hosts = f"{replica.endpoint},{primary.endpoint}"
    return f"postgresql://{SUPERUSER}:{password}@{hosts}/{DATABASE}?target_session_attrs=read-write"


async def insist(call: Callable[[], Awaitable[object]]) -> None:
    """Do it until it is done, as a writer does."""
    async with asyncio.timeout(60):
        while True:
            with suppress(BooksAway):
                await call()
                return
            await asyncio.sleep(0.1)


async def test_books_go_on_on_the_replica_from_whatever_it_had(
    pair: tuple[PostgresServer, Replica], other: Connection, database: Database
) -> None:
    primary, _ = pair
    await migrate(dsn_of_both(*pair))
    scribe = Scribe()
    scribe.open("acme", 10**9)
    for number in range(MESSAGES):
        scribe.reserve("acme", f"m{number}", 10)
        scribe.commit("acme", f"m{number}", 10)
    records = scribe.values()
    async with database.connection() as connection:
        await Partitions().make(connection, [scribe.clock // 86_400_000])
    await write(database, 0, records[:50])
    # From here on the replica gets nothing more, and the primary takes it all the same.
    async with asyncio.timeout(90):
        # The replica is behind by as much as it likes: by the tables too.
        while not await other.fetchval("SELECT to_regclass('entries')"):
            await asyncio.sleep(0.05)
        while await other.fetchval("SELECT count(*) FROM entries") < 50:
            await asyncio.sleep(0.05)
        await other.execute("ALTER SYSTEM SET primary_conninfo = ''")
        await other.execute("SELECT pg_reload_conf()")
        while await other.fetchval("SELECT count(*) FROM pg_stat_wal_receiver"):
            await asyncio.sleep(0.05)
    await write(database, 0, records[50:100])

    await primary.kill()
    await other.execute("SELECT pg_promote(wait => true)")
    assert 50 == await other.fetchval("SELECT seq FROM positions")

    async def catch_up() -> None:
        async with database.connection() as connection:
            position = await read_position(connection, 0)
        assert position is not None
        await write(database, 0, records[position.ledger_offset :])

    await insist(catch_up)
    found = await verify_ledger(database)
    assert (len(records), 0) == (found.entries, found.faults)


async def test_server_that_became_read_only_is_left_for_the_one_that_is_not(
    pair: tuple[PostgresServer, Replica], other: Connection, database: Database
) -> None:
    primary, promoted = pair
    await other.execute("SELECT pg_promote(wait => true)")

    async def use() -> str:
        async with database.connection() as connection:
            await connection.execute("CREATE TEMPORARY TABLE t (n int) ON COMMIT DROP; CREATE TABLE IF NOT EXISTS s ()")
            found: str = await connection.fetchval("SELECT inet_server_port()::text")
        return found

    assert str(promoted.port) == await use()
    await other.execute("ALTER SYSTEM SET default_transaction_read_only = on")
    await other.execute("SELECT pg_reload_conf()")

    async def use_primary() -> None:
        if str(promoted.port) == await use():
            raise BooksAway("the promoted server has not read its settings yet")

    await insist(use_primary)
    assert str(primary.port) == await use()
