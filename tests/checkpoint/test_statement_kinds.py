"""Granted and other credit (NRO, FRO) in a statement: after every line, in every form. Entries are the ledger's own."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from metering.checkpoint.database import Database
from metering.checkpoint.statement import StatementLine, statement
from metering.cli.statements import Period, print_statement
from tests.checkpoint.writing import write
from tests.ledger.history.plain import plain_entry
from tests.ledger.history.story import PLANS, Entry, Story
from tests.ledger.history.test_cycles import at, begin
from tests.ledger.history.till_backend import TillBackend
from tests.ledger_model import inputs as model
from tests.ledger_model.inputs import PutWallet, Transfer

OCTOBER = at(2026, 10, 21)


@pytest_asyncio.fixture
async def books(fresh_redis: Redis, database: Database) -> Database:
    """The books of a customer with a plan that grants 100 a month, of which a transfer took some along."""
    backend = TillBackend(fresh_redis, PLANS)
    await backend.open()

    async def apply(inputs: Sequence[model.Input]) -> list[Entry]:
        return [plain_entry(entry) for entry in await backend.apply(*inputs)]

    story = Story(apply)
    await begin(story)
    await story.top_up(40)
    await story.submit(130, charge_on="submit", charge="a")
    await story.command(PutWallet, wallet="other")
    story.now = OCTOBER
    await story.tick()
    await story.command(Transfer, to="other", amount=60)
    await story.record(55)
    await write(database, 0, enumerate(backend.values))
    return database


def kinds(lines: list[StatementLine]) -> list[tuple[str, str, int, int, int]]:
    """What each line says of the two."""
    return [(line.wallet, line.kind, line.balance_micros, line.nro_micros, line.fro_micros) for line in lines]


EXPECTED = [
    ("main", "granted", 100, 100, 0),
    ("main", "topped_up", 140, 100, 40),
    ("main", "debited", 10, 0, 10),
    ("main", "granted", 110, 100, 10),
    ("main", "transferred", 50, 40, 10),
    ("other", "transferred", 60, 60, 0),
    ("main", "debited", -5, 0, 0),
]


@pytest.mark.requirement("PL-03")
@pytest.mark.requirement("PL-10")
async def test_each_line_of_a_statement_tells_granted_and_other_credit_after_it(books: Database) -> None:
    assert kinds([line async for line in statement(books, "anna")]) == EXPECTED


@pytest.mark.requirement("PL-03")
async def test_statement_that_begins_later_begins_with_what_was_there(books: Database) -> None:
    assert kinds([line async for line in statement(books, "anna", from_ms=OCTOBER)]) == EXPECTED[3:]
    assert kinds([line async for line in statement(books, "anna", "other", from_ms=OCTOBER)]) == [EXPECTED[5]]
    assert kinds([line async for line in statement(books, "anna", "main", to_ms=OCTOBER)]) == EXPECTED[:3]


@pytest.mark.requirement("PL-03")
@pytest.mark.parametrize("form", ["text", "csv", "json"])
async def test_every_form_marks_the_two_clearly(books: Database, books_dsn: str, form: str) -> None:
    output = io.StringIO()

    assert await print_statement(books_dsn, "anna", "main", Period(), form, output) is None

    shown = output.getvalue()
    if form == "text":
        head, first = shown.splitlines()[1:3]
        assert head.split()[-2:] == ["NRO", "FRO"]
        assert first.split()[-3:] == ["0.000100", "0.000000", "USD"]
    elif form == "csv":
        rows = list(csv.DictReader(io.StringIO(shown)))
        assert [(row["nro"], row["fro"]) for row in rows][:2] == [("0.0001", "0"), ("0.0001", "0.00004")]
    else:
        lines = json.loads(shown)["lines"]
        assert [(line["nro_micros"], line["fro_micros"]) for line in lines] == [
            (nro, fro) for wallet, _, _, nro, fro in EXPECTED if wallet == "main"
        ]
