"""One statement for many rows: their values as one array a column, or COPY. Leaves the statements to the `.sql` files.

An array goes as the text that Postgres reads one from, `$2::text::bigint[]`. The driver's own way asks twice of each
value whether it is an array, by way of an abstract class: that costs ten times as much as all of this.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from metering.checkpoint.database import Connection
from metering.errors import ensure

PIECE_BYTES = 512 * 1024
"""What goes out by COPY in one message at most, as the driver has it: more than a slice of usual entries takes."""


async def copy_made(connection: Connection, table: str, columns: Sequence[str], made: bytes) -> None:
    """COPY into `table` what compiled steps have made, in COPY's binary format."""
    # Bytes alone the driver takes for the name of a file.
    source = memoryview(made) if len(made) <= PIECE_BYTES else _pieces(made)
    await connection.copy_to_table(table, source=source, columns=columns, format="binary")  # type: ignore[arg-type]


async def _pieces(made: bytes) -> AsyncIterator[bytes]:
    for first in range(0, len(made), PIECE_BYTES):
        yield made[first : first + PIECE_BYTES]


async def run_bulk(
    connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]], *before: Any, every: str | None = None
) -> None:
    """Run a statement that unnests the columns of `rows`, after the arguments `before`. Does nothing without rows.

    With `every`, the name of what is changed, each row must change one: else `BrokenInvariant`, which undoes the
    transaction.
    """
    if not rows:
        return
    status = await connection.execute(statement, *before, *map(array_text, zip(*rows, strict=True)))
    if every is not None:
        changed = int(status.rpartition(" ")[2])
        ensure(
            changed == len(rows),
            f"{len(rows)} {every} were to change in Postgres, {changed} did: they are not as the ledger tells",
        )


def array_text(values: Sequence[Any]) -> str:
    """Return values of one kind as the text of an array: texts without U+0000, bytes, integers or booleans, or None."""
    first = next((value for value in values if value is not None), 0)
    if isinstance(first, str):
        return _texts(values)
    if isinstance(first, bytes):
        return _texts([None if value is None else f"\\x{value.hex()}" for value in values])
    return "{" + repr([*values])[1:-1].replace("None", "NULL") + "}"


def _texts(values: Sequence[str | None]) -> str:
    if None in values:
        return "{" + ",".join("NULL" if value is None else f'"{_escape(value)}"' for value in values) + "}"
    # All at once, with a character between them that no text has.
    return '{"' + _escape("\0".join(values)).replace("\0", '","') + '"}'  # type: ignore[arg-type]  # none is None


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"")
