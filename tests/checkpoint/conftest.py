"""Fixtures of the books: a migrated database, and a connection to it. Leaves the server to `tests/stack`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from metering.checkpoint.database import Database
from metering.checkpoint.schema import migrate


@pytest_asyncio.fixture
async def books_dsn(fresh_database: str) -> str:
    """The address of a database with the newest schema and nothing in it."""
    await migrate(fresh_database)
    return fresh_database


@pytest_asyncio.fixture
async def database(books_dsn: str) -> AsyncIterator[Database]:
    """The pool that the code under test uses."""
    database = Database(books_dsn)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def sql(books_dsn: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection of the test's own, to look at what was written."""
    connection = await asyncpg.connect(books_dsn)
    yield connection
    await connection.close()
