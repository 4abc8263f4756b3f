"""What Postgres keeps, who it runs as, and who it lets in."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from pathlib import Path

import asyncpg
import psutil
import pytest

from metering.embedded.directories import is_reachable_by_all
from metering.embedded.postgres import PostgresServer
from metering.embedded.postgres_programs import find_postgres_programs, provide_postgres_programs
from metering.embedded.process import Command, Identity, Process
from metering.embedded.server import build_environment


async def execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def fetch(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_postgres_killed_or_restarted_keeps_every_commit(postgres: PostgresServer, fresh_database: str) -> None:
    await execute(fresh_database, "CREATE TABLE numbers (number int)")
    connection = await asyncpg.connect(fresh_database)
    for number in range(200):
        await connection.execute("INSERT INTO numbers VALUES ($1)", number)
    await postgres.kill()
    await postgres.start()
    assert await fetch(fresh_database, "SELECT count(*) FROM numbers") == 200
    await postgres.restart()
    assert await fetch(fresh_database, "SELECT count(*) FROM numbers") == 200
    connection.terminate()


async def test_postgres_killed_with_busy_clients_can_start_at_once(
    postgres: PostgresServer, fresh_database: str
) -> None:
    connections = [await asyncpg.connect(fresh_database) for _ in range(5)]
    children = psutil.Process(postgres.pid).children(recursive=True)
    assert len(children) > 5
    await postgres.kill()
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)
    await postgres.start()
    assert await fetch(fresh_database, "SELECT 1") == 1
    for connection in connections:
        connection.terminate()


async def test_postgres_started_by_root_runs_as_nobody_in_a_directory_of_its_own(postgres: PostgresServer) -> None:
    owner = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    assert psutil.Process(postgres.pid).uids().effective == owner
    described = postgres.work_path.stat()
    assert (described.st_uid, stat.S_IMODE(described.st_mode)) == (owner, 0o700)


async def test_postgres_refuses_a_client_without_the_password(postgres: PostgresServer) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://postgres:guess@{postgres.endpoint}/metering")
    assert list(postgres.work_path.glob("password")) == []


async def test_dropped_database_is_gone_even_with_a_client_in_it(postgres: PostgresServer) -> None:
    dsn = await postgres.create_database("short-lived")
    connection = await asyncpg.connect(dsn)
    await postgres.drop_database("short-lived")
    await postgres.drop_database("short-lived")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(dsn)
    connection.terminate()


async def test_programs_out_of_reach_are_copied_whole_and_the_copy_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    reachable = Path("/var/tmp") if is_reachable_by_all(Path("/var/tmp/any")) else Path(tempfile.gettempdir())
    destination = Path(tempfile.mkdtemp(dir=reachable, prefix="programs-"))
    destination.chmod(0o711)
    monkeypatch.setattr("metering.embedded.postgres_programs.is_reachable_by_all", lambda _path: False)
    try:
        programs = provide_postgres_programs(destination)
        assert programs != find_postgres_programs()
        assert sorted(path.name for path in programs.iterdir()) == ["initdb", "postgres"]
        log = destination / "log"
        data = destination / "data"
        if os.geteuid() == 0:
            data.mkdir()
            os.chown(data, pwd.getpwnam("nobody").pw_uid, -1)
        arguments = [str(programs / "initdb"), "--no-sync", "--pgdata", str(data)]
        process = Process(Command(arguments, build_environment(), destination, Identity.unprivileged()), log)
        assert await process.wait(60)
        assert process.returncode == 0, log.read_text()
    finally:
        shutil.rmtree(destination)
