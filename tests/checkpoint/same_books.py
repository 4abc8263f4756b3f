"""Says in which tables two databases hold other books. Leaves what made them so to the test."""

from __future__ import annotations

from typing import Any

from tests.checkpoint.writing import Sql

TABLES = """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'alembic_version'
    ORDER BY 1"""

DENIALS = """SELECT bucket, hour_ms, customer, wallet, sender, min(first_seq), max(last_seq), sum(attempts),
    sum(price_micros), min(first_at_ms), max(last_at_ms), string_agg(event_seqs::text, '' ORDER BY first_seq)
    FROM denials GROUP BY 1, 2, 3, 4, 5"""
"""One row a flush: how the ledger was cut into flushes is no part of the books."""


async def contents(sql: Sql) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, but for when it was written."""
    tables = [name for (name,) in await sql.fetch(TABLES)]
    assert {"entries", "wallets", "lots", "charges", "customers", "denials", "positions", "blocks"} <= set(tables)
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table in tables:
        rows = await sql.fetch(DENIALS if table == "denials" else f"SELECT * FROM {table}")
        plain = [tuple(_plain(value) for name, value in row.items() if name != "updated_at") for row in rows]
        found[table] = sorted(plain, key=repr)
    return found


def _plain(value: Any) -> Any:
    return value.replace("}{", ",") if isinstance(value, str) else value


async def differing_tables(one: Sql, other: Sql) -> list[str]:
    """Names of the tables that are not the same in both."""
    first, second = await contents(one), await contents(other)
    assert first.keys() == second.keys()
    return [table for table in first if first[table] != second[table]]
