"""The schema of the books: migrations up to the newest version. Leaves the tables to `migrations/sql`.

There is no way down: a mistake is mended by the next migration, since the books themselves cannot be made again from
the schema.
"""

from __future__ import annotations

from functools import partial
from importlib.resources import files
from pathlib import Path

import asyncpg
from alembic import command, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from metering.checkpoint.database import BooksAway, translated
from metering.errors import Fatal

_PACKAGE = files("metering.checkpoint.migrations")

# Two programs may migrate at once (several pods start together); the second waits and finds nothing to do.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('metering.migrate'))"


async def migrate(dsn: str) -> str:
    """Bring the schema to the newest version and return it. Does nothing when it is there already.

    All steps are one transaction: interrupted, the schema is as it was. Raises `BooksAway`.
    """
    engine = _make_engine(dsn)
    try:
        with translated():
            async with engine.begin() as connection:
                await connection.execute(text(_LOCK))
                await connection.run_sync(_upgrade)
    except DBAPIError as error:
        raise _away_or_same(error) from error
    finally:
        await engine.dispose()
    return newest_version()


async def schema_version(dsn: str) -> str | None:
    """Return the schema's version; None for a database without one. Raises `BooksAway`."""
    engine = _make_engine(dsn)
    try:
        with translated():
            async with engine.connect() as connection:
                return await connection.run_sync(_read_version)
    except DBAPIError as error:
        raise _away_or_same(error) from error
    finally:
        await engine.dispose()


def newest_version() -> str:
    """Return the version that this program is written for."""
    head = ScriptDirectory.from_config(_make_config()).get_current_head()
    if head is None:
        raise Fatal("the program has no migrations")
    return head


async def check_schema(dsn: str) -> None:
    """Raise `Fatal` unless the schema is the one that this program is written for. Raises `BooksAway`."""
    found, wanted = await schema_version(dsn), newest_version()
    if found != wanted:
        raise Fatal(
            f"the schema of Postgres is {found or 'not there'}, this program needs {wanted}: run `metering migrate`"
        )


def run_script(name: str) -> None:
    """Run `migrations/sql/NAME` whole, inside the migration's transaction. Called by migrations."""
    script = (_PACKAGE / "sql" / name).read_text(encoding="utf-8")
    adapted = op.get_bind().connection.dbapi_connection
    # Through the driver itself: SQLAlchemy would prepare it, and only one statement at a time can be prepared.
    adapted.run_async(lambda driver: driver.execute(script))  # type: ignore[union-attr]


def _make_engine(dsn: str) -> AsyncEngine:
    # The driver reads the address itself: it knows several hosts, and which of them is to be had.
    return create_async_engine("postgresql+asyncpg://", async_creator=partial(asyncpg.connect, dsn), poolclass=NullPool)


def _make_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(str(_PACKAGE))).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(connection: Connection) -> None:
    config = _make_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _read_version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _away_or_same(error: DBAPIError) -> Exception:
    """Return what an error of the engine means in our terms."""
    return BooksAway(str(error.orig)) if error.connection_invalidated else error
