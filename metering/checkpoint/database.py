"""Connections to Postgres, and its errors in our terms. Leaves every statement to its callers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from metering.errors import BrokenInvariant, Retryable

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Connection = asyncpg.Connection | PoolConnectionProxy

CONNECT_SECONDS_MAX = 10.0
"""A server that does not take a connection within this is away; the caller's own retry is kinder than a long hang."""

COMMAND_SECONDS_MAX = 60.0
"""A statement of the writer takes well under a second. A connection that died without a word is noticed after this."""

_AWAY = (
    OSError,
    asyncpg.InterfaceError,  # the connection was closed under us
    asyncpg.InternalClientError,  # the same, in the middle of an operation that the driver then rolls back
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InsufficientResourcesError,  # too many connections, disk or memory full
    asyncpg.QueryCanceledError,
    asyncpg.ReadOnlySQLTransactionError,  # a failover: this is a replica now
    asyncpg.TransactionRollbackError,  # serialisation, deadlock
    asyncpg.LockNotAvailableError,
)


class BooksAway(Retryable):
    """Postgres did not answer; the same call may succeed later."""


class BooksRefuse(BrokenInvariant):
    """Postgres will not have it: a value that does not fit, a key that is there already, a table that is not."""


@contextmanager
def translated() -> Iterator[None]:
    """Raise `BooksAway` where the driver says that the server is away or busy, `BooksRefuse` for its other errors."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        # Client-side, what does not fit its column is an interface error as well.
        away = isinstance(error, _AWAY) and not isinstance(error, ValueError)
        why = str(error) or type(error).__name__
        raise BooksAway(f"Postgres is away: {why}") if away else BooksRefuse(f"Postgres refuses: {why}") from error
    except (OverflowError, UnicodeError) as error:  # COPY tells bare what does not fit
        raise BooksRefuse(f"Postgres cannot take it: {error}") from error


class Database:
    """A bounded pool of connections that is opened when first used and survives restarts of the server.

    Use it within one event loop; `close` ends every connection.
    """

    def __init__(
        self, dsn: str, *, connections_max: int = 4, command_seconds_max: float | None = COMMAND_SECONDS_MAX
    ) -> None:
        """Prepare nothing yet. `command_seconds_max` None: no limit, for reports that read everything."""
        self._dsn = dsn
        self._connections_max = connections_max
        self._command_seconds_max = command_seconds_max
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection. Raises `BooksAway` when there is none, and for what happens inside likewise.

        Interrupted, the connection is reset before anyone else gets it: an open transaction is rolled back.
        """
        with translated():
            pool = await self._open()
            try:
                # No limit on the wait for one that is lent: a restore of a large bucket may have it for a minute.
                # A server that is away is told by the attempt to connect, one that hangs by each statement's limit.
                async with pool.acquire() as connection:
                    yield connection
            except asyncpg.ReadOnlySQLTransactionError:
                # Ours has become a replica and goes on answering: the others are looked for at the next call.
                await pool.expire_connections()
                raise

    async def close(self) -> None:
        """End every connection at once; what is in a transaction is rolled back. Does nothing the second time."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()

    async def _open(self) -> asyncpg.Pool[asyncpg.Record]:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,
                    max_size=self._connections_max,
                    timeout=CONNECT_SECONDS_MAX,
                    command_timeout=self._command_seconds_max,
                    server_settings={"application_name": "metering", "timezone": "UTC"},
                )
            return self._pool
