"""The ledger's checks: all is well after any history, and whoever touches a row is found out and named."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import msgspec
import pytest

from metering.checkpoint.database import Database
from metering.checkpoint.housekeeping import tidy
from metering.checkpoint.topic_check import ReadLedger
from metering.checkpoint.verify import verify_ledger
from metering.ledger.till import Windows
from tests.checkpoint.scribe import Scribe
from tests.checkpoint.writing import Sql, write

HOUR_MS = 3_600_000


def some_history() -> Scribe:
    """Twenty-eight entries: 1-6 open and top up three, 7-26 are messages of two, 27 opens a wallet, 28 moves credit."""
    scribe = Scribe()
    for name in ("acme", "beta", "gamma"):
        scribe.open(name, 1_000)
    for number in range(5):
        scribe.next_chunk = f"c{number}"
        for name in ("acme", "beta"):
            scribe.reserve(name, f"m{number}", 10)
            scribe.commit(name, f"m{number}", 10)
    scribe.open_wallet("gamma", "ann")
    scribe.transfer("gamma", 300, "ann")
    return scribe


def denied_history() -> Scribe:
    """Entries 3, 4 and 6 are denials that are only counted; 5 and 7 are rows."""
    scribe = Scribe()
    scribe.open("acme", 1_000)
    scribe.deny_blocked("acme", "s")
    scribe.deny_blocked("acme", "s")
    scribe.reserve("acme", "m", 10)
    scribe.deny_blocked("acme", "t")
    scribe.commit("acme", "m", 10)
    return scribe


async def write_some(database: Database) -> Scribe:
    scribe = some_history()
    values = scribe.values()
    await write(database, 0, values[:9])
    await write(database, 0, values[9:])
    return scribe


def topic_of(records: list[tuple[int, bytes]]) -> ReadLedger:
    async def read(bucket: int, until: int) -> AsyncIterator[tuple[int, bytes]]:
        assert bucket == 0
        for offset, value in records:
            if offset < until:
                yield offset, value

    return read


async def test_history_over_several_flushes_is_whole(database: Database) -> None:
    scribe = await write_some(database)

    found = await verify_ledger(database, topic_of(scribe.values()))

    assert (1, 4, 28, 28, 0, []) == (
        found.buckets, found.wallets, found.entries, found.records, found.faults, found.found,
    )  # fmt: skip


async def test_hash_can_be_computed_again_from_the_table_alone(database: Database, sql: Sql) -> None:
    await write_some(database)
    rows = await sql.fetch(
        "SELECT * FROM entries WHERE customer = 'acme' AND wallet_seq IS NOT NULL ORDER BY wallet_seq"
    )

    due = b""
    for row in rows:
        *values, chain = row.values()
        due = hashlib.sha256(due + msgspec.msgpack.encode(values)).digest()
        assert due == chain
    assert due == await sql.fetchval("SELECT chain FROM wallets WHERE customer = 'acme'")


SWAP_AMOUNTS = """UPDATE entries e SET amount_micros = o.amount_micros, held_change_micros = o.held_change_micros
    FROM entries o WHERE (e.id, o.id) IN (('0-7', '0-8'), ('0-8', '0-7'))"""
SWAP_PLACES = """UPDATE entries SET seq = 99, wallet_seq = 4 WHERE seq = 7;
    UPDATE entries SET seq = 7, wallet_seq = 2 WHERE seq = 11;
    UPDATE entries SET seq = 11 WHERE seq = 99"""
ONE_MORE_LEG = """INSERT INTO entries SELECT (jsonb_populate_record(e, '{"leg": 2}')).* FROM entries e
    WHERE seq = 28 AND leg = 1"""


@pytest.mark.requirement("IU-15")
@pytest.mark.parametrize(
    ("tampering", "expected"),
    [
        ("UPDATE entries SET amount_micros = 11 WHERE id = '0-2'", [("chain", "0-2", "acme", "main")]),
        ("UPDATE entries SET note = 'x' WHERE id = '0-8'", [("chain", "0-8", "acme", "main")]),
        ("UPDATE entries SET event_id = NULL WHERE id = '0-8'", [("chain", "0-8", "acme", "main")]),
        ("DELETE FROM entries WHERE id = '0-8'", [("seq", "0-8", "", ""), ("chain", "0-11", "acme", "main")]),
        ("DELETE FROM entries WHERE seq IN (8, 9)", [
            ("seq", "0-8 to 0-9", "", ""), ("chain", "0-11", "acme", "main"), ("chain", "0-10", "beta", "main"),
        ]),
        ("DELETE FROM entries WHERE customer = 'acme' AND wallet_seq = 11", [
            ("seq", "0-24", "", ""), ("chain", "", "acme", "main"),
        ]),
        (SWAP_AMOUNTS, [("chain", "0-7", "acme", "main")]),
        (SWAP_PLACES, [
            ("seq", "0-7", "acme", "main"), ("seq", "0-8", "acme", "main"), ("seq", "0-11", "acme", "main"),
            ("seq", "0-12", "acme", "main"), ("chain", "0-11", "acme", "main"),
        ]),
        ("DELETE FROM entries WHERE seq = 28 AND leg = 1", [
            ("legs", "0-28", "gamma", "main"), ("chain", "", "gamma", "ann"),
        ]),
        ("DELETE FROM entries WHERE seq = 28 AND leg = 0", [
            ("legs", "0-28", "gamma", "ann"), ("chain", "", "gamma", "main"),
        ]),
        ("DELETE FROM entries WHERE seq = 27", [("seq", "0-27", "", "")]),
        ("UPDATE wallets SET chain = '' WHERE customer = 'acme'", [("chain", "", "acme", "main")]),
        ("UPDATE wallets SET wallet_seq = 12 WHERE customer = 'acme'", [("chain", "", "acme", "main")]),
        ("UPDATE positions SET seq = 27", [("seq", "", "", "")]),
        ("UPDATE positions SET chunk = 'other'", [("seq", "", "", "")]),
    ],
)  # fmt: skip
async def test_touched_row_is_found_and_named_and_nothing_else(
    database: Database, sql: Sql, tampering: str, expected: list[tuple[str, str, str, str]]
) -> None:
    await write_some(database)
    await sql.execute(tampering)

    found = await verify_ledger(database)

    assert expected == [(f.what, f.entry, f.customer, f.wallet) for f in found.found]
    assert len(expected) == found.faults


@pytest.mark.parametrize(
    ("tampering", "expected"),
    [
        ("UPDATE entries SET kind = 'x' WHERE id = '0-27'", [("0-27", "books and topic differ in kind")]),
        ("DELETE FROM entries WHERE id = '0-1'", [("0-1", "the books have no row for its leg 0")]),
        ("UPDATE entries SET price_micros = 1, sender = NULL WHERE id = '0-27'", [
            ("0-27", "books and topic differ in price_micros"),
        ]),
        (ONE_MORE_LEG, [("0-28", "the books have a row of leg 2 that the topic does not tell of")]),
    ],
)  # fmt: skip
async def test_row_without_a_hash_is_held_against_the_topic(
    database: Database, sql: Sql, tampering: str, expected: list[tuple[str, str]]
) -> None:
    """Entries that change no wallet have no hash of their own: the topic is what tells."""
    scribe = await write_some(database)
    await sql.execute(tampering)

    found = await verify_ledger(database, topic_of(scribe.values()))

    assert expected == [(f.entry, f.why) for f in found.found if f.what == "topic"]
    assert found.faults > 0


async def test_topic_that_was_changed_is_found(database: Database) -> None:
    scribe = await write_some(database)
    records = scribe.values()
    records[7] = (7, records[7][1].replace(b'"actor":"test"', b'"actor":"other"').replace(b"m0", b"m9"))

    found = await verify_ledger(database, topic_of(records))

    assert [("topic", "0-8")] == [(f.what, f.entry) for f in found.found]


async def test_topic_that_lost_its_end_is_found_and_one_without_its_beginning_is_compared_from_there(
    database: Database,
) -> None:
    records = (await write_some(database)).values()

    assert 18 == (whole := await verify_ledger(database, topic_of(records[10:]))).records
    assert 0 == whole.faults
    shortened = await verify_ledger(database, topic_of(records[:20]))
    assert ["0-21", "0-22"] == [fault.entry for fault in shortened.found[:2]]
    assert "the topic leads to entry 20" in shortened.found[-1].why
    assert "the topic leads to entry 0" in (await verify_ledger(database, topic_of([]))).found[-1].why


@pytest.mark.parametrize("is_tidied", [False, True])
async def test_denials_that_are_only_counted_leave_no_gap(database: Database, sql: Sql, is_tidied: bool) -> None:
    scribe = denied_history()
    await write(database, 0, scribe.values())
    if is_tidied:
        await tidy(sql, 0, scribe.clock + 100 * HOUR_MS, Windows())

    found = await verify_ledger(database, topic_of(scribe.values()))

    assert (7, 7, 0) == (found.entries, found.records, found.faults)


@pytest.mark.parametrize(
    ("is_tidied", "tampering", "entry"),
    [
        (False, "DELETE FROM denials WHERE sender = 't'", "0-6"),
        (True, "DELETE FROM denials WHERE sender = 't'", "0-6"),
        (True, "UPDATE denials SET attempts = 1 WHERE sender = 's'", ""),
        (False, "UPDATE denials SET event_seqs = '{3}' WHERE sender = 's'", "0-4"),
    ],
)
async def test_denial_that_was_taken_out_is_found(
    database: Database, sql: Sql, is_tidied: bool, tampering: str, entry: str
) -> None:
    scribe = denied_history()
    await write(database, 0, scribe.values())
    if is_tidied:
        await tidy(sql, 0, scribe.clock + 100 * HOUR_MS, Windows())
    await sql.execute(tampering)

    found = await verify_ledger(database)

    assert [("seq", entry)] == [(f.what, f.entry) for f in found.found]
