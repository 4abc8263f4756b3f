"""Arrays as the text that Postgres reads them from: whatever the values are, the same come out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from metering.checkpoint.bulk import array_text
from tests.checkpoint.writing import Sql

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
ODD = ["", "NULL", "null", "None", "a,b", "{}", '"', "\\", '\\"', " space ", "tab\t", "line\n", "{NULL}", "\1", "é✓"]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("text", TEXTS | st.sampled_from(ODD)),
        ("bigint", st.integers(-(2**63), 2**63 - 1)),
        ("boolean", st.booleans()),
        ("bytea", st.binary()),
    ],
)
async def test_values_come_out_of_postgres_as_they_went_in(sql: Sql, kind: str, values: st.SearchStrategy[Any]) -> None:
    statement = await sql.prepare(f"SELECT $1::text::{kind}[]")
    lists = st.lists(values, min_size=1) | st.lists(values | st.none(), min_size=1)

    @settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(lists)
    def written(column: list[Any]) -> None:
        columns.append(column)

    columns: list[list[Any]] = [ODD, [None, *ODD]] if kind == "text" else []
    written()
    for column in columns:
        assert column == await statement.fetchval(array_text(column))
