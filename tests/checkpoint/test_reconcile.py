"""Till, books and sums against each other: agreement, each kind of difference, and a system that goes on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from metering.checkpoint.database import Database
from metering.checkpoint.reconcile import Reconciliation, reconcile
from metering.ledger.state import LotState, WalletState
from tests.checkpoint.scribe import Purse, Scribe
from tests.checkpoint.writing import Sql, write


def live_wallet(customer: str, purse: Purse) -> WalletState:
    lots = (LotState(purse.lot, "fro", purse.remaining, purse.held, 0, 2),) if purse.lot else ()
    return WalletState(customer, "main", "USD", purse.seq, 0, 0, lots, ())


class Till:
    """What a scan of the till yields: a copy of the scribe's purses, made when asked to."""

    def __init__(self, scribe: Scribe) -> None:
        self.scribe = scribe
        self.wallets: list[WalletState] = []
        self.scans = 0
        self.before_scan: Callable[[int], None] = lambda _: None
        self.look()

    def look(self) -> None:
        self.wallets = [live_wallet(name, purse) for name, purse in self.scribe.purses.items()]

    async def scan(self) -> AsyncIterator[WalletState]:
        self.scans += 1
        self.before_scan(self.scans)
        for wallet in list(self.wallets):
            yield wallet


def busy() -> Scribe:
    scribe = Scribe()
    for name in ("acme", "beta", "idle"):
        scribe.open(name, 100)
    scribe.open("empty")
    scribe.reserve("acme", "m", 10)
    scribe.reserve("beta", "n", 20)
    scribe.commit("beta", "n", 20)
    return scribe


def kinds(found: Reconciliation) -> list[tuple[str, str]]:
    return [(difference.what, difference.customer) for difference in found.differing]


async def test_till_books_and_sums_agree(database: Database) -> None:
    scribe = busy()
    await write(database, 0, scribe.values())
    till = Till(scribe)
    till.wallets += till.wallets[:2]  # a scan may find one twice

    found = await reconcile(database, till.scan)

    assert Reconciliation(4, 10, 0, 0, 0, []) == found
    assert 1 == till.scans


async def test_repeated_denials_are_counted_among_the_entries(database: Database) -> None:
    scribe = busy()
    scribe.deny_blocked("acme", "+1")
    await write(database, 0, scribe.values())

    found = await reconcile(database)

    assert (11, 0) == (found.entries, found.drift)


async def test_figure_that_differs_is_drift_by_as_much(database: Database) -> None:
    scribe = busy()
    await write(database, 0, scribe.values())
    till = Till(scribe)
    till.wallets[2] = live_wallet("idle", Purse(1, 97, 0, till.wallets[2].lots[0].lot))

    found = await reconcile(database, till.scan)

    assert (1, 3, [("figures", "idle")]) == (found.drift, found.drift_micros, kinds(found))
    assert 97 == found.differing[0].live["available_micros"]
    assert 100 == found.differing[0].books["available_micros"]


async def test_lots_that_differ_under_equal_figures_are_drift(database: Database) -> None:
    scribe = busy()
    await write(database, 0, scribe.values())
    till = Till(scribe)
    till.wallets[2] = live_wallet("idle", Purse(1, 100, 0, "0-99"))

    found = await reconcile(database, till.scan)

    assert (1, 0, [("lots", "idle")]) == (found.drift, found.drift_micros, kinds(found))


async def test_books_that_are_late_are_waited_for(database: Database) -> None:
    scribe = busy()
    values = scribe.values()
    await write(database, 0, values[:-2])
    till = Till(scribe)
    late = asyncio.get_running_loop().create_task(_write_soon(database, values))

    found = await reconcile(database, till.scan, patience_seconds=20)

    await late
    assert (0, 0) == (found.drift, found.behind)


async def _write_soon(database: Database, values: list[tuple[int, bytes]]) -> None:
    await asyncio.sleep(0.5)
    await write(database, 0, values)


async def test_books_that_stay_late_are_told_as_behind_and_not_as_drift(database: Database) -> None:
    scribe = busy()
    await write(database, 0, scribe.values()[:-2])

    found = await reconcile(database, Till(scribe).scan, patience_seconds=0.3)

    assert (0, 1) == (found.drift, found.behind)


async def test_books_that_went_on_since_the_scan_are_compared_at_its_entry(database: Database) -> None:
    scribe = busy()
    till = Till(scribe)
    scribe.top_up("empty", 5)
    scribe.commit("acme", "m", 10)
    scribe.open("new", 7)
    await write(database, 0, scribe.values())
    till.before_scan = lambda number: till.look() if number == 2 else None

    found = await reconcile(database, till.scan)

    assert (5, 0, 2) == (found.wallets, found.drift, till.scans)


async def test_wrong_figure_is_found_even_where_the_books_went_on(database: Database) -> None:
    scribe = busy()
    till = Till(scribe)
    till.wallets[0] = live_wallet("acme", Purse(2, 100, 11, till.wallets[0].lots[0].lot))
    scribe.commit("acme", "m", 10)
    await write(database, 0, scribe.values())
    till.before_scan = lambda number: till.look() if number == 2 else None

    found = await reconcile(database, till.scan)

    assert [("figures", "acme")] == kinds(found)


@pytest.mark.parametrize("how", ["gone", "rolled back"])
async def test_wallet_that_the_till_has_lost_is_drift(database: Database, how: str) -> None:
    scribe = busy()
    till = Till(scribe)
    scribe.commit("acme", "m", 10)
    await write(database, 0, scribe.values())
    if how == "gone":
        till.wallets = [wallet for wallet in till.wallets if wallet.customer != "acme"]

    found = await reconcile(database, till.scan)

    assert [("lost", "acme")] == kinds(found)


@pytest.mark.requirement("IU-15")
@pytest.mark.parametrize(
    ("tampering", "expected"),
    [
        ("UPDATE wallets SET available_micros = 101 WHERE customer = 'idle'", [("sums", "idle")]),
        ("UPDATE wallets SET wallet_seq = 2 WHERE customer = 'idle'", [("sums", "idle")]),
        ("UPDATE lots SET remaining_micros = 99 WHERE customer = 'idle'", [("sums", "idle")]),
        ("UPDATE lots SET held_micros = 1 WHERE customer = 'idle'", [("sums", "idle")]),
        ("UPDATE entries SET held_change_micros = 9 WHERE kind = 'reserved' AND customer = 'acme'", [("sums", "acme")]),
        ("DELETE FROM entries WHERE customer = 'idle' AND wallet_seq = 1", [("sums", "idle"), ("entries", "")]),
        ("DELETE FROM entries WHERE kind = 'opened' AND customer = 'idle'", [("entries", "")]),
    ],
)
async def test_books_that_are_not_what_their_entries_add_up_to_are_drift(
    database: Database, sql: Sql, tampering: str, expected: list[tuple[str, str]]
) -> None:
    await write(database, 0, busy().values())
    await sql.execute(tampering)

    assert expected == kinds(await reconcile(database))


async def test_many_differences_are_all_counted_and_a_hundred_told(database: Database) -> None:
    scribe = Scribe()
    for number in range(150):
        scribe.open(f"c{number:03}", 5)
    await write(database, 0, scribe.values())

    found = await reconcile(database, Till(Scribe()).scan)

    assert (150, 100) == (found.drift, len(found.differing))
