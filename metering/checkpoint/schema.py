"""The schema of the books: migrations up to the newest version. Leaves the tables to `migrations/sql`."""

from __future__ import annotations


async def migrate(dsn: str) -> str:
    """Bring the schema to the newest version and return it. Does nothing when it is there already."""
    raise NotImplementedError


async def schema_version(dsn: str) -> str | None:
    """Return the schema's version; None for a database without one."""
    raise NotImplementedError
