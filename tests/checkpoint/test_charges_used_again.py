"""Charges that an entry began are not looked for: the books themselves say which name is used again."""

from __future__ import annotations

import pytest

from metering import native
from metering.checkpoint.backlog import Waiting
from metering.checkpoint.continuity import ORIGIN
from metering.checkpoint.database import Connection, Database
from metering.checkpoint.flush import DOUBTED_FLUSHES, flush
from metering.checkpoint.partitions import Partitions
from metering.checkpoint.wallet_tails import RememberedTails
from metering.contracts.reasons import Kind, Reason
from metering.errors import BrokenInvariant
from metering.ledger.state import BucketPosition
from metering.observe.steps import Step, Steps
from tests.checkpoint.same_books import contents
from tests.checkpoint.scribe import Scribe
from tests.checkpoint.writing import Sql, empty_books
from tests.native.paths import BOTH_WAYS


class Tries(Steps):
    """Counts how often a flush began to write."""

    def __init__(self) -> None:
        self.count = 0

    def reached(self, step: Step, bucket: int) -> None:  # noqa: ARG002  as it is called
        self.count += step is Step.POSITION_LOCKED


def names_used_again() -> Scribe:
    """A name that is used once more when its charge is settled, and one that is new."""
    scribe = Scribe()
    scribe.open("acme", 1_000)
    scribe.reserve("acme", "m1", 5)
    scribe.expire("acme", "m1", 5)
    scribe.reserve("acme", "m1", 7)
    scribe.reserve("acme", "m2", 9)
    scribe.commit("acme", "m1", 7)
    scribe.commit("acme", "m2", 9)
    return scribe


async def write(
    connection: Connection,
    scribe: Scribe,
    ends: list[int],
    remembered: RememberedTails | None = None,
    head: BucketPosition = ORIGIN,
) -> list[int]:
    """Write a flush up to each of `ends`; return how often each began."""
    records, partitions, tries = [Waiting(*record) for record in scribe.values()], Partitions(), []
    for first, end in zip([0, *ends], ends, strict=False):
        counted = Tries()
        batch = await flush(connection, 0, head, records[first:end], partitions, counted, remembered)
        assert batch is not None
        tries.append(counted.count)
        head = batch.head
    return tries


@pytest.mark.parametrize("is_on", BOTH_WAYS)
async def test_name_used_again_is_written_at_the_second_try_and_then_looked_for(
    database: Database, sql: Sql, *, is_on: bool
) -> None:
    scribe, remembered = names_used_again(), RememberedTails()
    with native.forced(is_on=is_on):
        async with database.connection() as connection:
            await write(connection, scribe, [len(scribe.entries)])
            at_once = await contents(sql)
            await empty_books(database)

            tries = await write(connection, scribe, [4, 5, 6, 8], remembered)

    assert [1, 2, 1, 1] == tries
    assert at_once == await contents(sql)
    assert DOUBTED_FLUSHES - 3 == remembered.doubted_flushes


@pytest.mark.parametrize("is_on", BOTH_WAYS)
async def test_late_debit_of_a_charge_that_the_books_have_needs_no_second_try(
    database: Database, sql: Sql, *, is_on: bool
) -> None:
    scribe = Scribe()
    scribe.open("acme", 1_000)
    scribe.reserve("acme", "m1", 5)
    scribe.expire("acme", "m1", 5)
    late = scribe._charge("acme", "m1", "committed", 5, committed=5)
    scribe._event(Kind.DEBITED, "acme", "sms.sent", change=(-5, 0), charge=late, reason=Reason.LATE)
    with native.forced(is_on=is_on):
        async with database.connection() as connection:
            tries = await write(connection, scribe, [4, 5])

    assert [1, 1] == tries
    assert "committed" == await sql.fetchval("SELECT state FROM charges")


async def test_charge_of_a_customer_in_another_bucket_is_refused(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme", 1_000)
    async with database.connection() as connection:
        await write(connection, scribe, [2])
        await sql.execute("""
            INSERT INTO charges (customer, charge_id, bucket, wallet, state, price_micros, held_micros,
                committed_micros, charge_on, failed_fee_micros, deadline_at_ms, parts, touched_at_ms)
            VALUES ('acme', 'm1', 1, 'main', 'expired', 0, 0, 0, 'sent', 0, 0, '[]', 0)
        """)
        scribe.reserve("acme", "m1", 5)

        with pytest.raises(BrokenInvariant, match="1 charges were to change in Postgres, 0 did"):
            records = [Waiting(*record) for record in scribe.values(2)]
            batch = await flush(connection, 0, await head_of(sql), records, Partitions())
            assert batch is None

    assert 2 == await sql.fetchval("SELECT count(*) FROM entries")


async def head_of(sql: Sql) -> BucketPosition:
    row = await sql.fetchrow(
        "SELECT seq, chunk, usage_offset_next, commands_offset_next, clock_ms, timers_run FROM positions"
    )
    assert row is not None
    return BucketPosition(*row)


async def test_flush_reads_no_table_whole(database: Database, sql: Sql) -> None:
    """A table of a few thousand rows, of which a flush names a fifth: the planner would read all of it."""
    scribe = Scribe()
    names = [f"customer-{number}" for number in range(1_000)]
    for name in names:
        scribe.open(name, 1_000)
    for name in names:
        scribe.reserve(name, "m", 5)
    ends = [len(scribe.entries)]
    for name in names[::5]:
        scribe.commit(name, "m", 5)
    ends.append(len(scribe.entries))
    async with database.connection() as connection:
        records, partitions = [Waiting(*record) for record in scribe.values()], Partitions()
        first = await flush(connection, 0, ORIGIN, records[: ends[0]], partitions)
        assert first is not None
        await sql.execute("ANALYZE wallets, lots, charges")
        before = await scans(connection)

        await flush(connection, 0, first.head, records[ends[0] :], partitions)

        assert before == await scans(connection)
    assert 200 == await sql.fetchval("SELECT count(*) FROM charges WHERE state = 'committed'")


async def scans(connection: Connection) -> dict[str, int]:
    """How often each table was read from its beginning to its end, this connection's flushes among it."""
    await connection.fetchval("SELECT pg_stat_force_next_flush()")
    tables = await connection.fetch(
        "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname IN ('wallets', 'lots', 'charges')"
    )
    return {row["relname"]: row["seq_scan"] for row in tables}
