"""`metering ledger verify`: sequences, legs and hash chains of the books, and the books against the topic.

Leaves each check to its module (`sequence`, `audit`, `topic_check`), and reading the topic to the caller.
"""

from __future__ import annotations

from msgspec import Struct

from metering.checkpoint.audit import ROWS_MAX, check_chains
from metering.checkpoint.database import Connection, Database
from metering.checkpoint.faults import Fault, Faults
from metering.checkpoint.queries import load_queries
from metering.checkpoint.sequence import BucketSequence, Counted, Link
from metering.checkpoint.topic_check import Books, ReadLedger, check_topic


class Verification(Struct, frozen=True):
    """What was checked, and what is wrong."""

    buckets: int
    wallets: int
    entries: int
    """Entries that are there, counted denials included."""
    put_away: int
    """Entries that are past the retention: what is left of them is where the others begin."""
    records: int | None
    """Records of the topic that count and were compared; None where the topic was not asked for."""
    faults: int
    found: list[Fault]
    """The first of them."""


async def verify_ledger(database: Database, read_ledger: ReadLedger | None = None) -> Verification:
    """Check the books in one snapshot and, given `read_ledger`, against the topic. Raises `BooksAway`.

    Nothing has to stand still for it. Reads every entry two or three times, in memory for some thousand of them.
    Interrupted at any point nothing is changed.
    """
    faults = Faults()
    async with (
        database.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.execute(load_queries("audit")["hold_days"])
        positions = await connection.fetch(load_queries("sequence")["buckets"])
        entries, put_away, records = 0, 0, None if read_ledger is None else 0
        for bucket, seq_before, chunk_before, cut_ms, seq, chunk, ledger_offset in positions:
            put_away += seq_before
            entries += await _check_bucket(connection, bucket, (seq_before, chunk_before), (seq, chunk), faults)
            if cut_ms is not None and await _has_rows_before(connection, bucket, cut_ms):
                faults.add(Fault("anchor", "rows are left of before the moment up to which all is put away", bucket))
            if read_ledger is not None and records is not None:
                books = Books(bucket, seq, chunk, ledger_offset, seq_before)
                records += await check_topic(connection, books, read_ledger(bucket, ledger_offset), faults)
        chains = await check_chains(connection, faults)
    return Verification(len(positions), chains.wallets, entries, put_away, records, faults.count, faults.first)


async def _has_rows_before(connection: Connection, bucket: int, cut_ms: int) -> bool:
    return bool(await connection.fetchval(load_queries("sequence")["rows_before_the_cut"], bucket, cut_ms))


async def _check_bucket(
    connection: Connection, bucket: int, begin: tuple[int, str], end: tuple[int, str], faults: Faults
) -> int:
    queries = load_queries("sequence")
    counted = [Counted(*row) for row in await connection.fetch(queries["counted_denials"], bucket)]
    sequence = BucketSequence(bucket, counted, faults, begin)
    cursor = await connection.cursor(queries["links"], bucket)
    while rows := await cursor.fetch(ROWS_MAX):
        for row in rows:
            sequence.take(Link(*row.values()))
    sequence.finish(*end)
    return sequence.entries
