"""Puts away what a bucket's window has left behind: settled charges, lists of denied events. Leaves entries alone."""

from __future__ import annotations

from metering.checkpoint.database import Connection
from metering.checkpoint.queries import load_queries
from metering.ledger.keys import SLOT_MS, oldest_live_slot
from metering.ledger.till import Windows

ROWS_MAX = 5_000
"""Rows deleted by one statement: a few ten milliseconds, so that a flush that wants the same rows hardly waits."""

STATEMENTS_MAX = 20
"""A backlog is worked off over several rounds; the writer has other things to do."""


def window_start_ms(clock_ms: int, windows: Windows) -> int:
    """Return the oldest moment whose events and settled charges can still be met: the ledger remembers whole slots."""
    return max(0, oldest_live_slot(clock_ms, windows.events_ms)) * SLOT_MS


async def tidy(connection: Connection, bucket: int, clock_ms: int, windows: Windows) -> None:
    """Put away what is out of the window at `clock_ms`. Each statement stands alone: an interruption leaves less to do.

    Safe whoever runs it and however often: only what is past the window by a clock that the books have reached is
    touched.
    """
    queries, since_ms = load_queries("housekeeping"), window_start_ms(clock_ms, windows)
    for _ in range(STATEMENTS_MAX):
        if await connection.fetchval(queries["forget_charges"], bucket, since_ms, ROWS_MAX) < ROWS_MAX:
            break
    for _ in range(STATEMENTS_MAX):
        if not await connection.fetchval(queries["merge_denials"], bucket, since_ms):
            break
