"""`migrate` for programs without an event loop of their own. Leaves the schema to `schema`."""

from __future__ import annotations

import asyncio

from metering.checkpoint import schema


def migrate(dsn: str) -> str:
    """Bring the schema to its newest version and return it; see `schema.migrate`.

    Not to be called from within an event loop.
    """
    return asyncio.run(schema.migrate(dsn))  # noqa: TID251  no command of ours: it ends by itself
