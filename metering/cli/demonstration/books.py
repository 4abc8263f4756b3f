"""What the demo reads in the books, in plain SQL. Leaves statements and reconciling to `checkpoint`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
from msgspec import Struct

Books: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Kept(Struct, frozen=True):
    """Inputs that the books know of; an input with two entries, or with none, makes the counts differ."""

    usage: int
    usage_distinct: int
    commands: int


class CountrySpend(Struct, frozen=True):
    """What went to one country. Micro-units of `unit`."""

    country: str
    unit: str
    amount_micros: int
    charges: int


_KEPT = """
SELECT count(*) FILTER (WHERE input_topic = 'usage')
        + coalesce((SELECT sum(attempts) FROM denials), 0)::bigint AS usage,
    count(DISTINCT (bucket, input_offset)) FILTER (WHERE input_topic = 'usage')
        + coalesce((SELECT sum(attempts) FROM denials), 0)::bigint AS usage_distinct,
    count(*) FILTER (WHERE input_topic = 'commands') AS commands
FROM entries WHERE due_at_ms IS NULL
"""

# An outcome names a charge and not where it went: the country stands with the first entry of the charge that has one.
_SPEND = """
WITH destinations AS (
    SELECT DISTINCT ON (customer, charge_id) customer, charge_id, country
    FROM entries WHERE charge_id IS NOT NULL AND country <> '' ORDER BY customer, charge_id, seq
)
SELECT coalesce(nullif(entries.country, ''), destinations.country, '') AS country, unit,
    -sum(amount_micros)::bigint AS amount_micros, count(*) AS charges
FROM entries LEFT JOIN destinations USING (customer, charge_id)
WHERE input_topic = 'usage' AND amount_micros <> 0
GROUP BY 1, 2 ORDER BY 3 DESC
"""


@asynccontextmanager
async def connect_books(dsn: str) -> AsyncIterator[Books]:
    """Yield a connection to Postgres."""
    books = await asyncpg.connect(dsn)
    try:
        yield books
    finally:
        await books.close()


async def read_kept(books: Books) -> Kept:
    """Return how many inputs the books have."""
    row = await books.fetchrow(_KEPT)
    return Kept(**dict(row)) if row else Kept(0, 0, 0)


async def read_spend(books: Books) -> list[CountrySpend]:
    """Return what was spent by country, most first."""
    return [CountrySpend(**dict(row)) for row in await books.fetch(_SPEND)]
