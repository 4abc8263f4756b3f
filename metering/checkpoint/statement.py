"""Statements and balances from the books. Leaves live balances to `ledger.live`, and formats to those who print."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import asyncpg
import msgspec
from asyncpg.cursor import Cursor
from msgspec import Struct

from metering.checkpoint.database import Database
from metering.checkpoint.queries import load_queries

LINES_MAX = 1_000
"""Lines fetched at a time."""

END_OF_TIME_MS = 2**53


class StatementLine(Struct, frozen=True):
    """One change of a wallet. Amounts in micro-units of `unit`, `applied_at_ms` in Unix milliseconds of the log."""

    id: str
    applied_at_ms: int
    wallet: str
    counter_wallet: str | None
    """The other wallet of an entry that moved credit between two."""
    wallet_seq: int
    kind: str
    reason: str | None
    unit: str
    amount_micros: int
    """Change of the balance: plus is credit."""
    held_change_micros: int
    balance_micros: int
    """Running: lots - overdrawn after this line. Without gaps it is the balance before plus the amount."""
    available_micros: int
    held_micros: int
    price_micros: int | None
    charge_id: str | None
    event_type: str | None
    event_id: str | None
    command_type: str | None
    command_id: str | None
    channel: str | None
    country: str | None
    quantity: int | None
    sender: str | None
    user_id: str | None
    campaign: str | None
    on_behalf_of: str | None
    actor: str | None
    note: str | None
    nro_micros: int
    """Running: what remains after this line of granted credit (NRO), which lapses with its cycle."""
    fro_micros: int
    """The same of all other (FRO): balance = NRO + FRO - what is overdrawn."""


class PutAwayLines(Struct, frozen=True):
    """What is left of a wallet's changes that are past the retention. Amounts in micro-units of `unit`."""

    wallet: str
    until_ms: int
    """All before this moment is put away."""
    wallet_seq: int
    """How many changes that is."""
    unit: str
    balance_micros: int
    """After the last of them."""
    available_micros: int
    held_micros: int
    sums: dict[str, int]
    """By kind, what they changed of the balance: adds up to it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that is open."""

    put_away: list[PutAwayLines]
    """What of the time asked for the books no longer tell line by line."""
    lines: AsyncGenerator[StatementLine]
    """Oldest first."""


class UserLine(Struct, frozen=True):
    """One change of what a user may spend of the company pool. Amounts in micro-units, times in Unix milliseconds."""

    id: str
    applied_at_ms: int
    user: str
    kind: str
    reason: str | None
    change_micros: int
    lapsed_micros: int
    """What is part of the change because it did not roll over."""
    subtotal_micros: int
    """Running: the sum of all changes so far."""
    total_micros: int | None
    """What the user could spend then; None where that was the whole pool, or the user was gone."""
    per_month_micros: int | None
    due_at_ms: int | None
    command_type: str | None
    command_id: str | None
    actor: str | None
    note: str | None


class WalletBalance(Struct, frozen=True):
    """A wallet as the books have it: available = balance - held, balance = lots - overdrawn. Micro-units of `unit`."""

    wallet: str
    unit: str
    available_micros: int
    held_micros: int
    overdrawn_micros: int
    balance_micros: int
    wallet_seq: int
    changed_at_ms: int
    books_as_of_ms: int
    """The bucket's clock at its last checkpoint: what came later is not in here."""


@asynccontextmanager
async def open_statement(
    database: Database,
    customer: str,
    wallet: str | None = None,
    *,
    from_ms: int = 0,
    to_ms: int = END_OF_TIME_MS,
) -> AsyncIterator[Statement]:
    """Open every change of a customer's wallet, or of all its wallets, with `from_ms` <= time < `to_ms`.

    One snapshot, any length. Raises `BooksAway`. It holds a connection until it is left.
    """
    queries = load_queries("statement")
    async with (
        database.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.execute(queries["hold_days"])
        found = [_put_away(row) for row in await connection.fetch(queries["put_away"], customer, wallet)]
        chosen = (
            (queries["customer_statement"], customer, from_ms, to_ms)
            if wallet is None
            else (queries["wallet_statement"], customer, wallet, from_ms, to_ms)
        )
        before = await connection.fetch(queries["nro_before"], customer, from_ms) if from_ms > 0 or found else []
        nro: dict[str, int] = {row["wallet"]: row["nro_micros"] for row in before}
        lines = _lines(await connection.cursor(*chosen), nro)
        async with aclosing(lines):
            yield Statement([one for one in found if from_ms < one.until_ms], lines)


async def _lines(cursor: Cursor[asyncpg.Record], nro: dict[str, int]) -> AsyncGenerator[StatementLine]:
    while rows := await cursor.fetch(LINES_MAX):
        for row in rows:
            *values, overdrawn, nro_change = row.values()
            left = nro[row["wallet"]] = nro.get(row["wallet"], 0) + nro_change
            values += [left, row["balance_micros"] + overdrawn - left]
            yield StatementLine(*values)


def _put_away(row: asyncpg.Record) -> PutAwayLines:
    *values, sums = row.values()
    return PutAwayLines(*[*values, msgspec.json.decode(sums, type=dict[str, int])])


async def statement(
    database: Database,
    customer: str,
    wallet: str | None = None,
    *,
    from_ms: int = 0,
    to_ms: int = END_OF_TIME_MS,
) -> AsyncIterator[StatementLine]:
    """Yield the lines of `open_statement`, oldest first.

    Whoever stops early closes it (`contextlib.aclosing`): it holds a connection.
    """
    async with open_statement(database, customer, wallet, from_ms=from_ms, to_ms=to_ms) as opened:
        async for line in opened.lines:
            yield line


async def read_cut_ms(database: Database, customer: str) -> int | None:
    """Return the moment before which a customer's entries are put away; None where none is. Raises `BooksAway`."""
    async with database.connection() as connection:
        cut_ms: int | None = await connection.fetchval(load_queries("statement")["cut"], customer)
    return cut_ms


async def user_lines(
    database: Database, customer: str, user: str, *, from_ms: int = 0, to_ms: int = END_OF_TIME_MS
) -> AsyncIterator[UserLine]:
    """Yield every change of what a user may spend, oldest first; as `statement` does."""
    async with database.connection() as connection, connection.transaction(readonly=True):
        cursor = await connection.cursor(load_queries("statement")["user_statement"], customer, user, from_ms, to_ms)
        while rows := await cursor.fetch(LINES_MAX):
            for row in rows:
                yield UserLine(*row.values())


async def balances(database: Database, customer: str) -> list[WalletBalance]:
    """Return a customer's wallets, by name; none for a customer that the books do not know. Raises `BooksAway`."""
    async with database.connection() as connection:
        rows = await connection.fetch(load_queries("statement")["balances"], customer)
    return [WalletBalance(*row.values()) for row in rows]
