"""Compares a bucket's rows with the records of the ledger topic, value by value. Leaves reading the topic to others.

Where they are the same, all that `sequence` and `audit` say of the rows is true of the topic as well.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

import asyncpg
import msgspec
from asyncpg.cursor import Cursor
from msgspec import Struct

from metering.checkpoint.continuity import ORIGIN, Follower, Verdict
from metering.checkpoint.database import Connection
from metering.checkpoint.denials import is_repeated_denial
from metering.checkpoint.entry_rows import COLUMNS, LEG, SEQ, UNIT, EntryRow, leg_rows, row_of
from metering.checkpoint.faults import Fault, Faults
from metering.checkpoint.queries import load_queries
from metering.checkpoint.records import LedgerRecord, decode_record
from metering.ledger.state import BucketPosition

ROWS_MAX = 1_000

ReadLedger: TypeAlias = Callable[[int, int], AsyncIterator[tuple[int, bytes]]]
"""Begins to read `ledger[bucket]` from its beginning up to an offset: offsets and values of its records."""


class Books(Struct, frozen=True):
    """Where the books of a bucket stand."""

    bucket: int
    seq: int
    chunk: str
    ledger_offset: int
    put_away: int = 0
    """The last entry that is past the retention: it has no row, nor have those before it."""


async def check_topic(
    connection: Connection, books: Books, records: AsyncIterator[tuple[int, bytes]], faults: Faults
) -> int:
    """Compare the rows of a bucket with `records`; return how many count. Part of a repeatable-read transaction.

    Where the topic has lost its beginning, it is compared from its first record on: nothing says what came before. Of
    entries that are put away only the order is looked at; they are not among those counted.
    """
    query = load_queries("sequence")["rows"].format(columns=", ".join(COLUMNS))
    rows = _Rows(await connection.cursor(query, books.bucket))
    follower: Follower | None = None
    compared = 0
    async for offset, value in records:
        record = _decode(value)
        if record is None:
            continue
        if follower is None:
            begins = ORIGIN if offset == 0 or record.seq == 1 else _before(record)
            follower = Follower(books.bucket, begins)
            await rows.skip_to(record.seq)
        if follower.follow(record) is Verdict.COUNTS and record.seq > books.put_away:
            compared += 1
            await _compare(record, rows, faults)
    seq, chunk = (follower.seq, follower.chunk) if follower else (0, "")
    await _report_surplus(books.bucket, books.seq + 1, rows, faults)
    if (seq, chunk) != (books.seq, books.chunk):
        why = f"the topic leads to entry {seq} of chunk {chunk!r}, the books to {books.seq} of {books.chunk!r}"
        faults.add(Fault("topic", why, books.bucket))
    return compared


class _Rows:
    """Rows in the order of seq and leg, with one that is looked at before it is taken."""

    def __init__(self, cursor: Cursor[asyncpg.Record]) -> None:
        self._cursor = cursor
        self._page: list[EntryRow] = []
        self._place = 0

    async def peek(self) -> EntryRow | None:
        """Return the next row, None after the last."""
        if self._place == len(self._page):
            self._page = [list(row.values()) for row in await self._cursor.fetch(ROWS_MAX)]
            self._place = 0
        return self._page[self._place] if self._page else None

    def take(self) -> None:
        """Go on after the row that was looked at."""
        self._place += 1

    async def skip_to(self, seq: int) -> None:
        """Pass over the rows before `seq`."""
        while (row := await self.peek()) is not None and row[SEQ] < seq:
            self.take()


async def _compare(record: LedgerRecord, rows: _Rows, faults: Faults) -> None:
    await _report_surplus(record.bucket, record.seq, rows, faults)
    if is_repeated_denial(record):
        return  # counted, without a row; that the count is right is for `sequence` to say
    for due in (row_of(record), *leg_rows(record)):
        row = await rows.peek()
        if row is None or row[SEQ] != record.seq:
            _report(record, f"the books have no row for its leg {due[LEG]}", faults)
            return
        rows.take()
        if due[UNIT] is None:
            due[UNIT] = row[UNIT]  # the writer fills in the wallet's
        if due != row:
            differing = [name for name, a, b in zip(COLUMNS, due, row, strict=True) if a != b]
            _report(record, f"books and topic differ in {', '.join(differing)}", faults)


async def _report_surplus(bucket: int, before_seq: int, rows: _Rows, faults: Faults) -> None:
    """Report rows that come before an entry and belong to no record."""
    while (row := await rows.peek()) is not None and row[SEQ] < before_seq:
        rows.take()
        why = f"the books have a row of leg {row[LEG]} that the topic does not tell of"
        faults.add(Fault("topic", why, bucket, f"{bucket}-{row[SEQ]}"))


def _report(record: LedgerRecord, why: str, faults: Faults) -> None:
    faults.add(Fault("topic", why, record.bucket, record.id, record.customer, record.wallet or ""))


def _decode(value: bytes) -> LedgerRecord | None:
    try:
        return decode_record(value)
    except msgspec.DecodeError:
        return None


def _before(record: LedgerRecord) -> BucketPosition:
    return msgspec.structs.replace(ORIGIN, seq=record.seq - 1, chunk=record.prev_chunk)
