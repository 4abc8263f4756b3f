"""One flush: what stands in the tables after it, and what it refuses."""

from __future__ import annotations

import pytest

from metering.checkpoint.database import Database
from tests.checkpoint.scribe import NOON, Scribe
from tests.checkpoint.writing import Sql, write


async def test_entries_are_written_with_what_they_add_up_to(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme", 1_000_000)
    scribe.reserve("acme", "m1", 7_900, campaign="autumn", user="ann")
    scribe.commit("acme", "m1", 7_900)

    await write(database, 0, scribe.values())

    wallet = await sql.fetchrow("SELECT available_micros, held_micros, wallet_seq, unit FROM wallets")
    assert (992_100, 0, 3, "USD") == tuple(wallet or ())
    lot = await sql.fetchrow("SELECT lot, remaining_micros, held_micros, first_micros FROM lots")
    assert ("0-2", 992_100, 0, 1_000_000) == tuple(lot or ())
    rows = await sql.fetch("SELECT id, kind, campaign, user_id, rates->0->'rate'->>'prefix' FROM entries ORDER BY seq")
    assert [
        ("0-1", "opened", None, None, None),
        ("0-2", "topped_up", None, None, None),
        ("0-3", "reserved", "autumn", "ann", "34"),
        ("0-4", "committed", None, None, "34"),
    ] == [tuple(row) for row in rows]
    assert [("m1", "committed", 7_900)] == [
        tuple(row) for row in await sql.fetch("SELECT charge_id, state, committed_micros FROM charges")
    ]
    assert NOON == await sql.fetchval("SELECT clock_ms FROM positions")
