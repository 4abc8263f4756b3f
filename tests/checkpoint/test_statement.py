"""Statements and balances, and the views that people read."""

from __future__ import annotations

import pytest

from metering.checkpoint.database import Database
from metering.checkpoint.statement import balances, statement
from tests.checkpoint.scribe import NOON, Scribe
from tests.checkpoint.writing import Sql, write

DAY = 86_400_000


def three_days() -> Scribe:
    scribe = Scribe()
    scribe.open("acme", 1_000)
    scribe.open("other", 5)
    scribe.clock += DAY
    scribe.reserve("acme", "m1", 70)
    scribe.clock += DAY
    scribe.commit("acme", "m1", 70)
    scribe.top_up("acme", 30)
    return scribe


@pytest.mark.requirement("PL-54")
@pytest.mark.requirement("PG-14")
async def test_statement_has_a_running_balance_without_gaps(database: Database) -> None:
    await write(database, 0, three_days().values())

    lines = [line async for line in statement(database, "acme", "main")]

    assert [("topped_up", 1_000, 1_000), ("reserved", 0, 1_000), ("committed", -70, 930), ("topped_up", 30, 960)] == [
        (line.kind, line.amount_micros, line.balance_micros) for line in lines
    ]
    assert [1, 2, 3, 4] == [line.wallet_seq for line in lines]
    assert lines == [line async for line in statement(database, "acme")]


@pytest.mark.requirement("IU-28")
async def test_statement_of_a_period_has_its_first_and_not_its_last_moment(database: Database) -> None:
    await write(database, 0, three_days().values())

    lines = [line.id async for line in statement(database, "acme", "main", from_ms=NOON + DAY, to_ms=NOON + 2 * DAY)]

    assert ["0-5"] == lines


async def test_balances_tell_how_fresh_they_are(database: Database) -> None:
    await write(database, 0, three_days().values())

    (main,) = await balances(database, "acme")

    assert ("main", "USD", 960, 0, 0, 960, 4) == (
        main.wallet,
        main.unit,
        main.available_micros,
        main.held_micros,
        main.overdrawn_micros,
        main.balance_micros,
        main.wallet_seq,
    )
    assert NOON + 2 * DAY == main.changed_at_ms == main.books_as_of_ms
    assert [] == await balances(database, "nobody")


async def test_views_show_times_and_whole_units(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme", 1_500_000)
    scribe.reserve("acme", "m1", 250_000)
    await write(database, 0, scribe.values())

    balance = await sql.fetchrow("SELECT available::text, held::text, books_as_of::text FROM balances")
    hold = await sql.fetchrow("SELECT charge_id, held::text, deadline_at::text FROM holds")
    journal = await sql.fetchrow(
        "SELECT kind, price, applied_at::text, available_after::text FROM journal WHERE seq = 3"
    )

    assert ("1.250000", "0.250000", "2026-03-01 12:00:00+00") == tuple(balance or ())
    assert ("m1", "0.250000", "2026-03-01 12:01:00+00") == tuple(hold or ())
    assert ("reserved", None, "2026-03-01 12:00:00+00", "1.250000") == tuple(journal or ())
