"""Which usage the books have charges for. Leaves what it was to its topic, and prices to `rating`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from msgspec import Struct

from metering.checkpoint.database import Database
from metering.checkpoint.queries import load_queries

ROWS_MAX = 1_000
"""Rows fetched at a time."""


class ChargedInput(Struct, frozen=True):
    """A usage event that was charged: where it lies in `usage`, whose it was, and the customer's plan of now."""

    bucket: int
    offset: int
    customer: str
    plan: str
    country: str | None
    event_type: str
    charge_id: str | None


async def charged_usage(
    database: Database, since_ms: int, event_types: Sequence[str]
) -> AsyncGenerator[ChargedInput, None]:
    """Yield what was charged from `since_ms` on and not given back, by bucket and offset. Raises `BooksAway`.

    One snapshot, any length. Whoever stops early closes it (`contextlib.aclosing`): it holds a connection.
    """
    query = load_queries("usage")["charged_usage"]
    async with database.connection() as connection, connection.transaction(readonly=True):
        cursor = await connection.cursor(query, since_ms, list(event_types))
        while rows := await cursor.fetch(ROWS_MAX):
            for row in rows:
                yield ChargedInput(*row.values())
