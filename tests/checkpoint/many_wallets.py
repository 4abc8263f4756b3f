"""Books of as many wallets as wanted, made by Postgres itself. Leaves valid hash chains to the writer."""

from __future__ import annotations

import re
from pathlib import Path

from metering.checkpoint.database import Connection
from metering.checkpoint.partitions import Partitions

DAY_MS = 86_400_000
CLOCK = 1_772_366_400_000
"""1 March 2026, 12:00 UTC: what all buckets' clocks show where nothing else is said."""

_STATEMENTS = re.compile(r"^-- name: (\w+)\n(.*?);$", re.MULTILINE | re.DOTALL)


async def make_books(connection: Connection, *, wallets: int, ids: int, buckets: int, clock_ms: int = CLOCK) -> None:
    """Fill empty books: customers with a wallet and a lot each, topped up long ago, and `ids` events of half a day."""
    text = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    long_ago = clock_ms - 9 * DAY_MS
    by_wallet = (wallets, buckets, long_ago)
    arguments = {"positions": (wallets, ids, buckets, clock_ms), "ids": (wallets, ids, buckets, clock_ms)}
    await Partitions().make(connection, [long_ago // DAY_MS, clock_ms // DAY_MS - 1, clock_ms // DAY_MS])
    for name, statement in _STATEMENTS.findall(text):
        await connection.execute(_typed(statement), *arguments.get(name, by_wallet), timeout=600)
    await connection.execute("ANALYZE", timeout=600)


def _typed(statement: str) -> str:
    return re.sub(r"\$(\d)", r"$\1::bigint", statement)
