"""Ends of wallets kept from one flush to the next: the same books as without, and never kept over a failure."""

from __future__ import annotations

import pytest

from metering.checkpoint.backlog import Waiting
from metering.checkpoint.batch import DAY_MS, Batch
from metering.checkpoint.continuity import ORIGIN
from metering.checkpoint.database import BooksRefuse, Database
from metering.checkpoint.flush import flush
from metering.checkpoint.partitions import Partitions
from metering.checkpoint.wallet_tails import NO_CREDIT, RememberedTails, WalletTail
from metering.errors import BrokenInvariant
from metering.ledger.state import BucketPosition
from tests.checkpoint.same_books import contents
from tests.checkpoint.scribe import NOON, Scribe
from tests.checkpoint.writing import Sql, empty_books


def busy_bucket() -> Scribe:
    """Three customers that come again and again."""
    scribe = Scribe()
    for name in ("acme", "bolt", "corp"):
        scribe.open(name, 1_000)
    for turn in range(12):
        name = ("acme", "acme", "bolt", "corp")[turn % 4]
        scribe.reserve(name, f"m{turn}", 5)
        scribe.commit(name, f"m{turn}", 5)
    return scribe


async def write_in_parts(
    database: Database, scribe: Scribe, remembered: RememberedTails | None, size: int = 4, first: int = 0
) -> BucketPosition:
    records, partitions = [Waiting(*record) for record in scribe.values(first)], Partitions()
    async with database.connection() as connection:
        await partitions.make(connection, partitions.missing([NOON // DAY_MS]))
        head = ORIGIN if first == 0 else await head_of(connection)
        for start in range(0, len(records), size):
            records_now = records[start : start + size]
            batch = await flush(connection, 0, head, records_now, partitions, remembered=remembered)
            assert batch is not None
            head = batch.head
    return head


async def head_of(sql: Sql) -> BucketPosition:
    row = await sql.fetchrow(
        "SELECT seq, chunk, usage_offset_next, commands_offset_next, clock_ms, timers_run FROM positions"
    )
    assert row is not None
    return BucketPosition(*row)


@pytest.mark.parametrize("wallets_max", [1, 2, 100])
async def test_books_are_the_same_whatever_is_remembered(database: Database, sql: Sql, wallets_max: int) -> None:
    scribe = busy_bucket()
    await write_in_parts(database, scribe, None)
    without = await contents(sql)
    await empty_books(database)

    await write_in_parts(database, scribe, RememberedTails(wallets_max))

    assert without == await contents(sql)


async def test_wallet_that_is_remembered_is_not_read_again(
    database: Database, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    scribe, remembered = busy_bucket(), RememberedTails()
    await write_in_parts(database, scribe, remembered)
    scribe.top_up("acme", 7)
    monkeypatch.setattr("metering.checkpoint.flush_wallets.Tails._fetch", None)

    await write_in_parts(database, scribe, remembered, first=len(scribe.entries) - 1)

    assert 977 == await sql.fetchval("SELECT available_micros FROM wallets WHERE customer = 'acme'")


async def test_wallet_that_somebody_else_changed_is_refused_all_the_same(database: Database, sql: Sql) -> None:
    scribe, remembered = busy_bucket(), RememberedTails()
    head = await write_in_parts(database, scribe, remembered)
    await sql.execute("UPDATE wallets SET chain = $1 WHERE customer = 'acme'", b"\1" * 32)
    scribe.top_up("acme", 7)

    with pytest.raises(BrokenInvariant, match="1 wallets were to change in Postgres, 0 did"):
        await write_in_parts(database, scribe, remembered, first=len(scribe.entries) - 1)

    assert head == await head_of(sql)


async def test_nothing_is_remembered_of_a_flush_that_failed(database: Database, sql: Sql) -> None:
    scribe, remembered = busy_bucket(), RememberedTails()
    head = await write_in_parts(database, scribe, remembered)
    good = scribe.top_up("acme", 7)
    scribe.top_up("acme", 2**63)  # which no column takes

    with pytest.raises(BooksRefuse):
        await write_in_parts(database, scribe, remembered, first=good.seq - 1)
    assert {} == remembered.take(head)
    del scribe.entries[-1]
    await write_in_parts(database, scribe, remembered, first=good.seq - 1)

    assert 977 == await sql.fetchval("SELECT available_micros FROM wallets WHERE customer = 'acme'")


def test_what_is_remembered_is_of_one_position_and_is_given_out_once() -> None:
    remembered, here = RememberedTails(wallets_max=2), Batch(0, ORIGIN).head
    elsewhere = BucketPosition(5, "c", 0, 5, 0, 0)
    tails = {("acme", str(n)): WalletTail("USD", n, NO_CREDIT, b"new", b"old") for n in range(3)}
    older = {("bolt", "main"): WalletTail("USD", 9, NO_CREDIT, b"x", b"x")}

    remembered.put(here, older, {key: tails[key] for key in [*tails][:1]})
    assert {} == remembered.take(elsewhere)
    assert {} == remembered.take(here)
    remembered.put(here, older, {key: tails[key] for key in [*tails][:1]})
    found = remembered.take(here)
    assert [("acme", "0"), ("bolt", "main")] == [*found]
    assert [b"new", b"x"] == [tail.saved for tail in found.values()]
    remembered.put(here, older, tails)
    assert [("acme", "0"), ("acme", "1")] == [*remembered.take(here)]
