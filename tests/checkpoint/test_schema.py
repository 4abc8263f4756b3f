"""Migrations, and that the code writes the tables that they make."""

from __future__ import annotations

import asyncio
import re
from importlib.resources import files
from itertools import chain
from pathlib import Path

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from metering.checkpoint import denials, entry_rows, schema
from metering.checkpoint.database import BooksAway
from metering.checkpoint.queries import load_queries
from metering.errors import Fatal
from tests.checkpoint.writing import Sql


async def test_empty_database_is_migrated_to_the_newest_version(fresh_database: str) -> None:
    assert await schema.schema_version(fresh_database) is None

    assert schema.newest_version() == await schema.migrate(fresh_database)

    assert schema.newest_version() == await schema.schema_version(fresh_database)
    await schema.check_schema(fresh_database)


async def test_migrating_twice_and_at_once_changes_nothing(fresh_database: str) -> None:
    await asyncio.gather(schema.migrate(fresh_database), schema.migrate(fresh_database))

    assert schema.newest_version() == await schema.migrate(fresh_database)


async def test_database_without_schema_is_refused_with_what_to_do(fresh_database: str) -> None:
    with pytest.raises(Fatal, match="metering migrate"):
        await schema.check_schema(fresh_database)


async def test_server_that_is_away_may_be_asked_again(unused_tcp_port: int) -> None:
    with pytest.raises(BooksAway):
        await schema.schema_version(f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/none")


def test_migrations_are_one_line_and_each_script_is_run_by_one() -> None:
    package = files("metering.checkpoint.migrations")
    scripts = ScriptDirectory.from_config(schema._make_config())
    sources = [revision.path for revision in scripts.walk_revisions()]
    run = [re.findall(r'run_script\("(.+?)"\)', Path(path).read_text(encoding="utf-8")) for path in sources]

    assert 1 == len(scripts.get_heads())
    assert sorted(item.name for item in (package / "sql").iterdir()) == sorted(chain.from_iterable(run))


async def test_tables_have_the_columns_that_are_written(sql: Sql) -> None:
    async def columns(table: str) -> list[str]:
        query = "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 ORDER BY attnum"
        return [row["attname"] for row in await sql.fetch(query, table)]

    assert [*entry_rows.COLUMNS, "chain"] == await columns("entries")
    assert list(denials.COLUMNS) == await columns("denials")


async def test_every_query_is_one_that_postgres_understands(sql: Sql) -> None:
    await sql.execute("BEGIN")
    await sql.execute(load_queries("reconcile")["make_tables"])
    for file in ("flush", "housekeeping", "restore", "statement", "reconcile", "audit", "sequence"):
        for name, query in load_queries(file).items():
            if name != "make_tables":
                await sql.prepare(query.replace("{columns}", ", ".join(entry_rows.COLUMNS)))


async def test_entry_of_a_day_without_partition_is_an_error_and_not_put_elsewhere(sql: Sql) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="no partition"):
        await sql.execute(
            "INSERT INTO denials (bucket, hour_ms, customer, first_seq, last_seq, attempts, price_micros, first_at_ms, "
            "last_at_ms) VALUES (0, 0, 'acme', 1, 1, 1, 0, 0, 0)"
        )


@pytest.mark.parametrize("moment", ["2026-03-01 00:00Z", "2026-03-01 23:59:59.999Z"])
async def test_partition_holds_one_day_of_utc(sql: Sql, moment: str) -> None:
    await sql.execute("SET timezone = 'Asia/Tokyo'")
    assert 2 == await sql.fetchval(f"SELECT make_partition(ms('{moment}'))")
    assert 0 == await sql.fetchval(f"SELECT make_partition(ms('{moment}'))")

    found = await sql.fetch(
        "SELECT relname, pg_get_expr(relpartbound, oid) AS bounds FROM pg_class WHERE relispartition ORDER BY relname"
    )

    bounds = "FOR VALUES FROM ('1772323200000') TO ('1772409600000')"
    tables = [tuple(row) for row in found if "_2026" in row["relname"] and "idx" not in row["relname"]]
    assert [("denials_20260301", bounds), ("entries_20260301", bounds)] == [row for row in tables if row[1] is not None]


async def test_documentation_names_every_table_view_and_column(sql: Sql) -> None:
    text = (Path(__file__).parents[2] / "docs" / "books.md").read_text(encoding="utf-8")
    query = (
        "SELECT relname, relkind, attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') AND attnum > 0 "
        "AND NOT relispartition AND relname <> 'alembic_version'"
    )
    found = [tuple(row) for row in await sql.fetch(query)]

    named = set(re.findall(r"`(\w+)`", text))
    assert set() == {table for table, _, _ in found} - named
    assert set() == {column for _, kind, column in found if kind != b"v"} - named


async def test_queries_of_the_documentation_run(sql: Sql) -> None:
    text = (Path(__file__).parents[2] / "docs" / "books.md").read_text(encoding="utf-8")
    statements = [part for block in re.findall(r"```sql\n(.+?)```", text, re.DOTALL) for part in block.split(";\n")]

    for statement in statements:
        await sql.fetch(statement)

    assert len(statements) > 8
