"""The scenario's customers in the books, and how far these have come. Leaves writing entries to the checkpointer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import asyncpg

from metering.checkpoint.chain import CHAIN_START
from metering.cli.benchmark.mixes import customer_name
from metering.cli.benchmark.population import Population
from metering.ledger.live import balance_of

_WALLETS = (
    "customer", "wallet", "bucket", "unit", "wallet_seq", "available_micros", "held_micros", "overdrawn_micros",
    "chain", "opened_at_ms", "changed_at_ms",
)  # fmt: skip
_LOTS = (
    "bucket", "customer", "wallet", "lot", "kind", "first_micros", "remaining_micros", "held_micros", "expires_at_ms",
    "transferable", "notice_at_ms", "made_seq", "made_at_ms",
)  # fmt: skip


async def fill_books(dsn: str, population: Population) -> None:
    """Write the wallets and lots that the population has in Redis, so that entries have something to join on to."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.copy_records_to_table("wallets", records=_wallets(population), columns=list(_WALLETS))
        await connection.copy_records_to_table("lots", records=_lots(population), columns=list(_LOTS))
        await connection.execute("ANALYZE wallets; ANALYZE lots")
    finally:
        await connection.close()


async def books_entries(connection: asyncpg.Connection[asyncpg.Record]) -> int:
    """Return how many entries the books have, over all buckets."""
    return int(await connection.fetchval("SELECT coalesce(sum(seq), 0) FROM positions"))


def _members(population: Population) -> Iterator[tuple[int, int]]:
    for bucket, members in enumerate(population.by_bucket):
        for customer in members:
            yield bucket, customer


def _wallets(population: Population) -> Iterator[tuple[Any, ...]]:
    at_ms = population.clock_ms
    for bucket, customer in _members(population):
        wallet = population.sample_of(customer).wallet
        balance = balance_of(wallet)
        figures = (balance.available_micros, balance.held_micros, balance.overdrawn_micros)
        name = customer_name(customer)
        yield (name, "main", bucket, wallet.unit, wallet.wallet_seq, *figures, CHAIN_START, at_ms, at_ms)


def _lots(population: Population) -> Iterator[tuple[Any, ...]]:
    for bucket, customer in _members(population):
        for lot in population.sample_of(customer).wallet.lots:
            figures = (lot.remaining_micros, lot.remaining_micros, lot.held_micros, lot.expires_at_ms)
            name = customer_name(customer)
            yield (
                bucket,
                name,
                "main",
                lot.lot,
                lot.kind,
                *figures,
                lot.transferable,
                lot.notice_at_ms,
                lot.made_seq,
                population.clock_ms,
            )
