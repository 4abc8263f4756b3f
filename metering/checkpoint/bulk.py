"""One statement for many rows: their values as one array a column. Leaves the statements to the `.sql` files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metering.checkpoint.database import Connection
from metering.errors import ensure


async def run_bulk(
    connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]], *before: Any, every: str | None = None
) -> None:
    """Run a statement that unnests the columns of `rows`, after the arguments `before`. Does nothing without rows.

    With `every`, the name of what is changed, each row must change one: else `BrokenInvariant`, which undoes the
    transaction.
    """
    if not rows:
        return
    status = await connection.execute(statement, *before, *(list(column) for column in zip(*rows, strict=True)))
    if every is not None:
        changed = int(status.rpartition(" ")[2])
        ensure(
            changed == len(rows),
            f"{len(rows)} {every} were to change in Postgres, {changed} did: they are not as the ledger tells",
        )
