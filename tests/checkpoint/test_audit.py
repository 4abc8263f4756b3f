"""The hash chains: whole after any history, and broken by whoever touches a row."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from metering.checkpoint.audit import check_chains
from metering.checkpoint.database import Database
from tests.checkpoint.scribe import Scribe
from tests.checkpoint.writing import Sql, write


async def write_some(database: Database) -> None:
    scribe = Scribe()
    for name in ("acme", "beta", "gamma"):
        scribe.open(name, 1_000)
    for number in range(5):
        for name in ("acme", "beta"):
            scribe.reserve(name, f"m{number}", 10)
            scribe.commit(name, f"m{number}", 10)
    values = scribe.values()
    await write(database, 0, values[:9])
    await write(database, 0, values[9:])


async def test_chains_are_whole_over_several_flushes(database: Database) -> None:
    await write_some(database)

    audit = await check_chains(database)

    assert (3, 23, 0, []) == (audit.wallets, audit.entries, audit.broken_wallets, audit.broken)


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


@pytest.mark.requirement("IU-15")
@pytest.mark.parametrize(
    ("tampering", "entry"),
    [
        ("UPDATE entries SET amount_micros = 11 WHERE id = '0-2'", "0-2"),
        ("UPDATE entries SET note = 'x' WHERE id = '0-8'", "0-8"),
        ("UPDATE entries SET event_id = NULL WHERE id = '0-8'", "0-8"),
        ("DELETE FROM entries WHERE id = '0-8'", "0-11"),
        ("DELETE FROM entries WHERE customer = 'acme'", ""),
        ("DELETE FROM entries WHERE customer = 'acme' AND wallet_seq = 11", ""),
        ("UPDATE wallets SET chain = '' WHERE customer = 'acme'", ""),
        ("UPDATE wallets SET wallet_seq = 12 WHERE customer = 'acme'", ""),
    ],
)
async def test_touched_row_breaks_its_chain_and_no_other(
    database: Database, sql: Sql, tampering: str, entry: str
) -> None:
    await write_some(database)
    await sql.execute(tampering)

    audit = await check_chains(database)

    assert 1 == audit.broken_wallets
    assert [("acme", "main", entry)] == [(link.customer, link.wallet, link.entry) for link in audit.broken]
