"""The day partitions of `entries` and `denials`: made before they are needed.

Leaves what a partition is to the function in Postgres.

A day, because the window in which repeats are recognised is a day, so that a restore reads two or three; because the
indexes of one day fit into memory at hundreds of entries a second; and because books are put away by the day. There is
no default partition: a row that finds none is an error, never a row in the wrong place.
"""

from __future__ import annotations

from collections.abc import Iterable

from metering.checkpoint.database import Connection

DAY_MS = 86_400_000
DAYS_AHEAD = 2
"""How many days after each are made with it, so that midnight finds its partition there."""

_MAKE = "SELECT make_partition(day * 86400000) FROM unnest($1::bigint[]) AS day ORDER BY day"


class Partitions:
    """Which partitions are known to be there. One for all writers of a process."""

    def __init__(self) -> None:
        self._known: set[int] = set()

    def missing(self, days: Iterable[int]) -> set[int]:
        """Return those of `days` (Unix days), and of the days ahead of them, that are not known to be there."""
        return {day + ahead for day in days for ahead in range(DAYS_AHEAD + 1)} - self._known

    async def make(self, connection: Connection, days: Iterable[int]) -> None:
        """Make the partitions of `days`. Not to be called within a transaction. Interrupted, it may be repeated."""
        await connection.execute(_MAKE, sorted(days))
        self._known |= set(days)

    def forget(self) -> None:
        """Look again: after an error nothing is certain, and old days are taken away."""
        self._known.clear()
