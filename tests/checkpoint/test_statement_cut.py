"""Statements and rebuilt books over a cut: what is left is told as before, and what is not is told to be put away."""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest

from metering.checkpoint.database import Database
from metering.checkpoint.rebuild import rebuild
from metering.checkpoint.schema import migrate
from metering.checkpoint.statement import StatementLine, open_statement, read_cut_ms, statement
from metering.cli.app import run
from metering.cli.statements import Period, print_statement
from metering.cli.user_statements import print_user_statement
from metering.embedded.postgres import PostgresServer
from metering.ledger.till import Windows
from tests.checkpoint.months import DAY_MS, EMPTY, GONE, long_history, put_all_away
from tests.checkpoint.same_books import differing_tables
from tests.checkpoint.scribe import NOON
from tests.checkpoint.writing import Sql, write

CUT_MS = (NOON // DAY_MS + len(GONE)) * DAY_MS


async def lines_of(database: Database, wallet: str | None = None, from_ms: int = 0) -> list[StatementLine]:
    return [line async for line in statement(database, "acme0", wallet, from_ms=from_ms)]


@pytest.mark.requirement("PL-54")
@pytest.mark.parametrize("wallet", ["main", "ann", None])
async def test_lines_that_are_left_run_on_from_what_is_put_away(database: Database, wallet: str | None) -> None:
    await write(database, 0, long_history().values())
    before = await lines_of(database, wallet)

    await put_all_away(database)

    left = await lines_of(database, wallet)
    assert [line for line in before if line.applied_at_ms >= CUT_MS] == left
    gone = before[: len(before) - len(left)]
    assert gone
    async with open_statement(database, "acme0", wallet) as opened:
        put_away = opened.put_away
    assert {line.wallet for line in gone} == {one.wallet for one in put_away}
    for one in put_away:
        last = [line for line in gone if line.wallet == one.wallet][-1]
        assert (CUT_MS, last.wallet_seq, last.balance_micros, last.available_micros, last.held_micros) == (
            one.until_ms, one.wallet_seq, one.balance_micros, one.available_micros, one.held_micros,
        )  # fmt: skip
        for kind, micros in one.sums.items():
            assert micros == sum(line.amount_micros for line in gone if line.kind == kind and line.wallet == one.wallet)
        assert one.balance_micros == sum(one.sums.values())


async def test_time_that_is_all_there_tells_of_nothing_put_away(database: Database) -> None:
    await write(database, 0, long_history().values())
    before = await lines_of(database, "main", CUT_MS)
    assert await read_cut_ms(database, "acme0") is None
    await put_all_away(database)

    async with open_statement(database, "acme0", "main", from_ms=CUT_MS) as opened:
        assert [] == opened.put_away
        assert before == [line async for line in opened.lines]
    assert CUT_MS == await read_cut_ms(database, "acme0")


async def test_statement_says_what_is_put_away(
    database: Database, books_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await write(database, 0, long_history().values())
    await put_all_away(database)
    told, output = "main: 10 changes before 2026-03-04T00:00:00.000Z are put away", io.StringIO()

    assert await print_statement(books_dsn, "acme0", "main", Period(), "text", output) is None
    assert told in capsys.readouterr().err
    assert await print_statement(books_dsn, "acme0", "main", Period(until_ms=CUT_MS), "csv", io.StringIO()) is None
    assert told in capsys.readouterr().err
    assert await print_statement(books_dsn, "acme0", "main", Period(since_ms=CUT_MS), "text", io.StringIO()) is None
    assert "" == capsys.readouterr().err
    output = io.StringIO()
    assert await print_statement(books_dsn, "acme0", None, Period(), "json", output) is None
    document = json.loads(output.getvalue())
    assert ["ann", "main"] == [one["wallet"] for one in document["put_away"]]
    assert {"committed": -9, "topped_up": 1_000, "transferred": -4, "reserved": 0} == document["put_away"][1]["sums"]
    capsys.readouterr()
    assert await print_user_statement(books_dsn, "acme0", "ann", Period(), "text", io.StringIO()) is None
    assert "changes before 2026-03-04T00:00:00.000Z are put away" in capsys.readouterr().err


async def test_books_rebuilt_from_the_topic_are_the_same_after_the_same_cut(
    database: Database, sql: Sql, postgres: PostgresServer
) -> None:
    scribe = long_history()
    await write(database, 0, scribe.values())
    await put_all_away(database)
    name = f"rebuilt_{secrets.token_hex(6)}"
    dsn = await postgres.create_database(name)
    await migrate(dsn)
    other, other_sql = Database(dsn), await asyncpg.connect(dsn)

    async def read(bucket: int, start: int) -> AsyncIterator[tuple[int, bytes]]:
        for offset, value in scribe.values(start):
            yield offset, value

    await rebuild(other, read, 1, Windows())
    assert "entries" in await differing_tables(sql, other_sql)
    assert [*GONE, *EMPTY] == [one.day for one in await put_all_away(other)]

    tables = await differing_tables(sql, other_sql)
    await other.close()
    await other_sql.close()
    await postgres.drop_database(name)
    # A rebuild forgets settled charges on its way, and merges denials: the checkpointer's housekeeping does the same.
    assert [] == [table for table in tables if table not in {"charges", "denials"}]


def test_command_tells_how_far_back_the_books_go(
    books_dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("METERING_POSTGRES__DSN", books_dsn)
    monkeypatch.setenv("METERING_CHECKPOINT__RETENTION_DAYS", "400")

    assert 0 == run(["checkpoint", "retention", "--json"])

    expected: dict[str, object] = {"retention_days": 400, "days": 0, "oldest_day": None, "days_due": [], "put_away": []}
    assert expected == json.loads(capsys.readouterr().out)
    assert 0 == run(["checkpoint", "retention"])
    assert capsys.readouterr().out.startswith("400 days are kept; 0 days are there")
