"""COPY gives back what was put in, whatever is in it, by lines of CSV and by the driver alike."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from metering.checkpoint.copying import copy_rows, csv_line
from metering.checkpoint.database import Database
from tests.checkpoint.writing import Sql

COLUMNS = ("number", "one", "other", "flag")
TEXTS = [
    "",
    "null",
    "NULL",
    "\\N",
    "\\.",
    "a,b",
    'say "so"',
    '"',
    '""',
    "\\",
    '\\"',
    "back\\slash",
    "new\nline",
    "carriage\rreturn",
    "tab\there",
    "bell\x07",
    "del\x7f",
    "],[",
    "{'a': [1]}",
    '{"a":["b\\"c"]}',
    "ñ 日本 👍🏽 \u2028",
    " spaces ",
]


@pytest.fixture
async def table(sql: Sql) -> str:
    await sql.execute("CREATE TABLE copied (number bigint, one text, other text, flag boolean)")
    return "copied"


async def test_every_text_comes_back_as_it_was_put_in(database: Database, sql: Sql, table: str) -> None:
    rows = [(n, text, None if n % 2 else text, (True, False, None)[n % 3]) for n, text in enumerate(TEXTS)]

    async with database.connection() as connection:
        await copy_rows(connection, table, COLUMNS, rows)

        found = await connection.fetch("SELECT number, one, other, flag FROM copied ORDER BY number")
    assert rows == [tuple(row.values()) for row in found]
    ways = {csv_line(row) is None for row in rows}
    assert ways == {True, False}  # both ways were taken


@pytest.mark.parametrize("number", [0, -1, 2**53 - 1, -(2**63), 2**63 - 1])
async def test_every_number_comes_back_as_it_was_put_in(database: Database, table: str, number: int) -> None:
    async with database.connection() as connection:
        await copy_rows(connection, table, COLUMNS, [(number, None, None, None)])

        assert number == await connection.fetchval("SELECT number FROM copied")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
@settings(max_examples=500)
def test_line_is_made_only_where_quotes_are_all_that_json_escaped(text: str) -> None:
    line = csv_line((1, text))

    is_plain = "\\" not in text and not any(ord(char) < 32 for char in text)
    assert is_plain == (line is not None)
    if line is not None:
        assert line.decode() == '1,"' + text.replace('"', '\\"') + '"'
