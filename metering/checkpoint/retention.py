"""Puts entries away that are older than they are kept, a day at a time, and leaves anchors in their place.

Leaves when to look to the service, and what anchors prove to `anchors`.

Steps of a day, and what an interruption after each leaves:

1. One transaction, one checkpointer at a time: what goes is added up, has to go on from the anchors of the days before,
   and the anchors are moved to its end. Until the commit nothing is changed.
2. In the same transaction the rows go: by TRUNCATE, which waits for readers of this day alone; no flush waits.
   Where a bucket stands still, what its window still needs stays, and the rest is deleted row by row.
3. A transaction of its own drops the empty partition. That needs every reader and writer to be out for a moment: where
   they are not within `DROP_LOCK_MS`, it is done another time. (DETACH … CONCURRENTLY would wait for long readers with
   a lock that making the next day's partition needs.) Interrupted before it, an empty partition stays until then.
"""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
from msgspec import Struct

from metering.checkpoint.database import Connection, Database
from metering.checkpoint.housekeeping import window_start_ms
from metering.checkpoint.partitions import DAY_MS
from metering.checkpoint.queries import load_queries
from metering.errors import BrokenInvariant
from metering.ledger.keys import HOUR_MS
from metering.ledger.till import Windows

ROWS_LOCK_MS = 2_000
"""How long the rows' going may wait for readers of the day; who comes later to read it waits behind."""

DROP_LOCK_MS = 300
"""The same of the empty partition, for which every flush waits: less than the second between two flushes."""


class PutAway(Struct, frozen=True):
    """A day whose entries were put away: how many, of how many wallets."""

    day: str
    """YYYYMMDD, in UTC."""
    entries: int
    wallets: int
    is_whole: bool
    """False where a bucket that stands still can meet some of its rows again: those stay."""


class Cut(Struct, frozen=True):
    """What of a bucket is put away: entries up to `seq`, that is all applied before `cut_ms`."""

    bucket: int
    seq: int
    cut_ms: int


class RetentionStatus(Struct, frozen=True):
    """How far back the books go. Days as YYYYMMDD in UTC."""

    retention_days: int | None
    """None: everything is kept."""
    days: int
    oldest_day: str | None
    days_due: list[str]
    """Past the retention, and still there: work for the next round, or rows that a bucket still needs."""
    put_away: list[Cut]


async def read_status(database: Database, retention_days: int | None) -> RetentionStatus:
    """Return how far back the books go. Raises `BooksAway`."""
    queries = load_queries("retention")
    async with database.connection() as connection:
        days = await _days(connection)
        cuts = [Cut(*row.values()) for row in await connection.fetch(queries["anchored_buckets"])]
        due = [] if retention_days is None else await _days_due(connection, retention_days)
    return RetentionStatus(retention_days, len(days), days[0] if days else None, due, cuts)


async def put_away_next(database: Database, retention_days: int, windows: Windows) -> PutAway | None:
    """Put away the oldest day that is past the retention; None when there is none, or another checkpointer is at it.

    Raises `BooksAway` where the server is away or readers hold the day: to be tried again, and safe to interrupt at any
    point. Raises `BrokenInvariant` where the day's rows do not follow from the anchors: nothing is put away then.
    """
    async with database.connection() as connection:
        for day in await _days_due(connection, retention_days):
            found = await _put_away_rows(connection, day, windows)
            if found is None:
                return None
            is_gone = found.is_whole and await _drop_when_empty(connection, day)
            if found.entries or is_gone:
                return found
    return None


async def _days(connection: Connection) -> list[str]:
    return [day for (day,) in await connection.fetch(load_queries("retention")["days"])]


async def _days_due(connection: Connection, retention_days: int) -> list[str]:
    now_ms = await connection.fetchval(load_queries("retention")["clock"])
    if now_ms is None:
        return []
    kept_from_ms = now_ms - retention_days * DAY_MS
    return [day for day in await _days(connection) if _end_ms(day) <= kept_from_ms]


def _queries_of(day: str) -> dict[str, str]:
    return {name: query.replace("{day}", day) for name, query in load_queries("retention").items()}


def _end_ms(day: str) -> int:
    start = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
    return int(start.timestamp()) * 1_000 + DAY_MS


def _cut_ms(clock_ms: int, end_ms: int, windows: Windows) -> int:
    """Return up to which moment a bucket whose clock stands there needs nothing of a day. Denials go by whole hours."""
    needed_ms = min(window_start_ms(clock_ms, windows), clock_ms - windows.commands_ms)
    return min(end_ms, max(0, needed_ms) // HOUR_MS * HOUR_MS)


async def _put_away_rows(connection: Connection, day: str, windows: Windows) -> PutAway | None:
    """Return None where another checkpointer is at it. A day that is gone by now has nothing to put away."""
    queries = _queries_of(day)
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = {ROWS_LOCK_MS}")
        if not await connection.fetchval(queries["take_turn"]):
            return None
        if day not in await _days(connection):
            return PutAway(day, 0, 0, is_whole=False)
        await connection.execute(queries["hold_day"])
        await connection.execute(queries["make_tables"])
        clocks = await connection.fetch(queries["clocks"])
        cuts = [_cut_ms(clock_ms, _end_ms(day), windows) for _, clock_ms in clocks]
        await connection.execute(queries["note_cuts"], [bucket for bucket, _ in clocks], cuts)
        await connection.execute(queries["gather"])
        if wrong := await connection.fetch(queries["contradictions"]):
            told = "; ".join(row[0] for row in wrong)
            raise BrokenInvariant(f"entries of {day} are not put away, `metering ledger verify` tells more: {told}")
        await connection.execute(queries["save_anchors"])
        entries, wallets = (await connection.fetchrow(queries["totals"]) or (0, 0))[:2]
        is_whole = not await connection.fetchval(queries["needs_any"])
        if is_whole:
            await connection.execute(queries["empty_day"])
        elif entries:
            await connection.execute(queries["thin_day"])
    return PutAway(day, entries, wallets, is_whole)


async def _drop_when_empty(connection: Connection, day: str) -> bool:
    """Drop the partition and say whether it is gone.

    It is not where others are at the tables all the time, or at putting away, or have written to it meanwhile.
    """
    queries = _queries_of(day)
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = {DROP_LOCK_MS}")
            if not await connection.fetchval(queries["take_turn"]) or day not in await _days(connection):
                return False
            await connection.execute(queries["hold_parents"])
            if not await connection.fetchval(queries["is_empty"]):
                return False
            await connection.execute(queries["drop_day"])
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        return False
    return True
