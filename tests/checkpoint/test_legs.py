"""Entries that change several wallets: a row and a link of the chain for each, one entry all the same."""

from __future__ import annotations

import pytest

from metering.checkpoint.books import Books
from metering.checkpoint.database import Database
from metering.checkpoint.reconcile import reconcile
from metering.checkpoint.statement import balances, statement
from metering.checkpoint.verify import verify_ledger
from metering.contracts.decisions import AnswerLeg
from metering.contracts.entries import Balance, RuleState
from metering.ledger.state import RememberedCommand, WalletState
from tests.checkpoint.scribe import Scribe
from tests.checkpoint.typed import read_records
from tests.checkpoint.writing import Sql, write


def two_transfers() -> Scribe:
    scribe = Scribe()
    scribe.open("acme", 100)
    scribe.open_wallet("acme", "ann")
    scribe.open_wallet("acme", "ben")
    scribe.transfer("acme", 30, "ann")
    scribe.transfer("acme", 20, "ann", "ben", command_id="both")
    return scribe


@pytest.mark.requirement("INF-06")
async def test_each_wallet_has_its_row_its_chain_and_its_sums(database: Database, sql: Sql) -> None:
    await write(database, 0, two_transfers().values())

    rows = await sql.fetch(
        "SELECT seq, leg, wallet, counter_wallet, wallet_seq, amount_micros FROM entries WHERE kind = 'transferred' "
        "ORDER BY seq, leg"
    )
    assert [
        (5, 0, "main", "ann", 2, -30),
        (5, 1, "ann", "main", 1, 30),
        (6, 0, "main", None, 3, -40),
        (6, 1, "ann", "main", 2, 20),
        (6, 2, "ben", "main", 1, 20),
    ] == [tuple(row) for row in rows]
    assert {"main": 30, "ann": 50, "ben": 20} == {
        w.wallet: w.available_micros for w in await balances(database, "acme")
    }
    found = await reconcile(database)
    assert (0, 6) == (found.drift, found.entries)
    found_whole = await verify_ledger(database)
    assert (3, 6, 0) == (found_whole.wallets, found_whole.entries, found_whole.faults)


async def test_statement_of_a_wallet_has_its_leg_and_names_the_other(database: Database) -> None:
    await write(database, 0, two_transfers().values())

    lines = [line async for line in statement(database, "acme", "ann")]
    everything = [line async for line in statement(database, "acme")]

    assert [("transferred", "main", 30, 30), ("transferred", "main", 20, 50)] == [
        (line.kind, line.counter_wallet, line.amount_micros, line.balance_micros) for line in lines
    ]
    assert ["main", "main", "ann", "main", "ann", "ben"] == [line.wallet for line in everything]
    assert lines[0].actor == "test"


async def test_restore_has_every_wallet_and_the_answer_with_its_legs(database: Database) -> None:
    scribe = two_transfers()
    await write(database, 0, scribe.values())

    async with Books(database).restore(0) as restoration:
        assert restoration is not None
        records = await read_records(restoration)

    wallets = {record.wallet: record for record in records if isinstance(record, WalletState)}
    assert {"main": (3, 30), "ann": (2, 50), "ben": (1, 20)} == {
        name: (wallet.wallet_seq, sum(lot.remaining_micros for lot in wallet.lots)) for name, wallet in wallets.items()
    }
    (answer,) = [r for r in records if isinstance(r, RememberedCommand) and r.id == "both"]
    assert (AnswerLeg("ann", 20, Balance(50, 0, 0)), AnswerLeg("ben", 20, Balance(20, 0, 0))) == answer.legs
    assert [6] == [r.seq for r in records if isinstance(r, RememberedCommand) and r.id == "both"]


async def test_rule_of_a_legs_wallet_is_kept_with_that_wallet(database: Database, sql: Sql) -> None:
    scribe = two_transfers()
    scribe.transfer("acme", 1, "ben", rules=(RuleState("default", "low", 5, 6, wallet="ben"),))

    await write(database, 0, scribe.values())

    assert [("ben", "default", "low")] == [
        tuple(row) for row in await sql.fetch("SELECT wallet, rule, state FROM alert_rules")
    ]
