"""Holds the till, the books and the sums of the entries against each other. Leaves mending to people.

Nothing has to stand still for it. A wallet is compared at the entry up to which both sides know it: where the books
have gone on since the till was read, that entry tells the figures; where they have not come so far, they are waited
for, and what is still ahead then is told as `behind`, not as drift. What the till holds is put into temporary tables,
so that memory does not grow with the number of wallets.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from metering.checkpoint.database import Connection, Database
from metering.checkpoint.queries import load_queries
from metering.ledger.live import balance_of
from metering.ledger.state import WalletState

DIFFERING_MAX = 100
"""So many are told one by one; all are counted."""

BATCH_MAX = 2_000
PATIENCE_SECONDS = 15.0
"""How long the books may take to come as far as the till was: flushes are a second apart."""

LOOK_AGAIN_SECONDS = 0.25

ScanLive: TypeAlias = Callable[[], AsyncIterator[WalletState]]
"""Begins a scan over every wallet in the till: each at least once, in no order."""


class Difference(Struct, frozen=True, omit_defaults=True):
    """Something that should be equal and is not. Amounts in micro-units."""

    what: str
    """`figures` and `lots`: the till differs from the books. `lost`: the till has forgotten what the books know.
    `sums`: the books differ from their own entries or lots. `entries`: a bucket has not as many as its position tells.
    """
    customer: str = ""
    wallet: str = ""
    bucket: int | None = None
    live: dict[str, int] = {}
    books: dict[str, int] = {}
    entries: dict[str, int] = {}


class Reconciliation(Struct, frozen=True):
    """What was compared, and what differs."""

    wallets: int
    entries: int
    drift: int
    """How many things differ; 0 = all is well."""
    drift_micros: int
    """By how much in all, without signs: balances where they differ."""
    behind: int
    """Wallets that the books do not know as far as the till, even after waiting: not compared."""
    differing: list[Difference]
    """The first of them."""


async def reconcile(
    database: Database,
    scan_live: ScanLive | None = None,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    differing_max: int = DIFFERING_MAX,
) -> Reconciliation:
    """Compare the books with their entries and, given `scan_live`, with the till.

    Raises `BooksAway`, and what the scan raises. Reads everything that there is, which takes a while on large books.
    Interrupted at any point nothing is changed.
    """
    found = _Findings(differing_max)
    async with database.connection() as connection, connection.transaction():
        if scan_live is not None:
            await _compare_live(connection, scan_live, patience_seconds, found)
        await _check_sums(connection, found)
        wallets = await connection.fetchval(load_queries("reconcile")["count_wallets"])
    return Reconciliation(wallets, found.entries, found.drift, found.drift_micros, found.behind, found.differing)


class _Findings:
    def __init__(self, differing_max: int) -> None:
        self._differing_max = differing_max
        self.entries = self.drift = self.drift_micros = self.behind = 0
        self.differing: list[Difference] = []

    def add(self, difference: Difference, micros: int = 0) -> None:
        self.drift += 1
        self.drift_micros += abs(micros)
        if len(self.differing) < self._differing_max:
            self.differing.append(difference)


async def _compare_live(connection: Connection, scan_live: ScanLive, patience_seconds: float, found: _Findings) -> None:
    queries = load_queries("reconcile")
    await connection.execute(queries["make_tables"])
    await _copy(connection, "live_wallets", scan_live(), _live_row)
    await connection.execute(queries["drop_doubles"])
    await connection.execute("ANALYZE live_wallets")
    deadline = time.monotonic() + patience_seconds
    found.behind = await connection.fetchval(queries["count_behind"])
    while found.behind and time.monotonic() < deadline:
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        found.behind = await connection.fetchval(queries["count_behind"])
    async for row in connection.cursor(queries["compare"]):
        customer, wallet, wallet_seq, what, *figures = row.values()
        live, books = _named(wallet_seq, figures[:3]), _named(wallet_seq, figures[3:])
        micros = 0 if what == "lots" or figures[3] is None else figures[0] + figures[1] - figures[3] - figures[4]
        found.add(Difference(what, customer, wallet, live=live, books=books), micros)
    await connection.execute(queries["note_passed"])
    if await connection.fetchval(queries["count_passed"]):
        await _copy(connection, "live_again", scan_live(), lambda live: (live.customer, live.wallet, live.wallet_seq))
        async for customer, wallet, books_seq, live_seq in connection.cursor(queries["lost_in_till"]):
            live = {} if live_seq is None else {"wallet_seq": live_seq}
            found.add(Difference("lost", customer, wallet, live=live, books={"wallet_seq": books_seq}))


async def _check_sums(connection: Connection, found: _Findings) -> None:
    queries = load_queries("reconcile")
    async for row in connection.cursor(queries["check_sums"]):
        figures = dict(row)
        customer, wallet = figures.pop("customer"), figures.pop("wallet")
        micros = figures["balance_micros"] - figures["sum_micros"]
        books = {name: figures[name] for name in ("wallet_seq", "balance_micros", "held_micros", "overdrawn_micros")}
        entries = {name: value for name, value in figures.items() if name not in books}
        found.add(Difference("sums", customer, wallet, books=books, entries=entries), micros)
    for bucket, seq, entries_found in await connection.fetch(queries["count_entries"]):
        found.entries += entries_found
        if entries_found != seq:
            found.add(Difference("entries", bucket=bucket, books={"seq": seq}, entries={"found": entries_found}))


async def _copy(
    connection: Connection,
    table: str,
    live: AsyncIterator[WalletState],
    row_of: Callable[[WalletState], tuple[Any, ...]],
) -> None:
    rows: list[tuple[Any, ...]] = []
    async for wallet in live:
        rows.append(row_of(wallet))
        if len(rows) >= BATCH_MAX:
            await connection.copy_records_to_table(table, records=rows)
            rows = []
    await connection.copy_records_to_table(table, records=rows)


def _live_row(wallet: WalletState) -> tuple[Any, ...]:
    balance = balance_of(wallet)
    lots = sorted((lot.lot, lot.remaining_micros, lot.held_micros) for lot in wallet.lots)
    return (
        wallet.customer,
        wallet.wallet,
        wallet.wallet_seq,
        balance.available_micros,
        balance.held_micros,
        balance.overdrawn_micros,
        msgspec.json.encode(lots).decode(),
    )


def _named(wallet_seq: int, figures: Sequence[int | None]) -> dict[str, int]:
    names = ("available_micros", "held_micros", "overdrawn_micros")
    return {"wallet_seq": wallet_seq} | {n: v for n, v in zip(names, figures, strict=True) if v is not None}
