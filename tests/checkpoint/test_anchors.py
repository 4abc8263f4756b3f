"""Whoever touches an anchor is found out, and a day that does not add up is not put away."""

from __future__ import annotations

import pytest

from metering.checkpoint.database import Database
from metering.checkpoint.reconcile import reconcile
from metering.checkpoint.verify import verify_ledger
from metering.errors import BrokenInvariant
from tests.checkpoint.months import long_history, put_all_away
from tests.checkpoint.same_books import contents
from tests.checkpoint.writing import Sql, write


async def write_long(database: Database) -> None:
    await write(database, 0, long_history().values())


FIRST_LEFT = """DELETE FROM entries WHERE customer = 'acme0' AND wallet = 'main' AND wallet_seq =
    (SELECT wallet_seq + 1 FROM wallet_anchors WHERE customer = 'acme0' AND wallet = 'main')"""
ANCHOR = "UPDATE wallet_anchors SET {} WHERE customer = '{}' AND wallet = 'main'"


@pytest.mark.requirement("IU-15")
@pytest.mark.parametrize(
    ("tampering", "expected"),
    [
        (ANCHOR.format("chain = 'x'", "acme0"), {("chain", "acme0")}),
        (ANCHOR.format("wallet_seq = wallet_seq - 1", "acme0"), {("chain", "acme0")}),
        (ANCHOR.format("available_micros = available_micros + 1", "acme0"), {("chain", "acme0")}),
        (ANCHOR.format("held_micros = 0, available_micros = available_micros + held_micros", "acme0"),
         {("chain", "acme0")}),
        (ANCHOR.format("sums = sums || '{\"topped_up\": 1001}'", "acme0"), {("chain", "acme0")}),
        (ANCHOR.format("sums = sums || '{\"topped_up\": 1001}'", "idle0"), {("chain", "idle0")}),
        (ANCHOR.format("chain = 'x'", "beta0"), {("chain", "beta0")}),
        (ANCHOR.format("available_micros = available_micros + 1", "idle0"), {("chain", "idle0")}),
        ("DELETE FROM wallet_anchors WHERE customer = 'idle0'", {("chain", "idle0")}),
        ("DELETE FROM wallet_anchors WHERE customer = 'acme0' AND wallet = 'main'", {("chain", "acme0")}),
        ("DELETE FROM bucket_anchors", {("seq", "")}),
        ("UPDATE bucket_anchors SET seq = seq - 1, chunk = ''", {("seq", "")}),
        ("UPDATE bucket_anchors SET seq = seq + 1, chunk = ''", {("seq", "acme0")}),
        ("UPDATE bucket_anchors SET cut_ms = cut_ms + 864000000", {("anchor", "")}),
        ("UPDATE wallets SET available_micros = 0 WHERE customer = 'idle0'", {("chain", "idle0")}),
        (FIRST_LEFT, {("chain", "acme0"), ("seq", "")}),
    ],
)  # fmt: skip
async def test_whoever_touches_an_anchor_is_found_out(
    database: Database, sql: Sql, tampering: str, expected: set[tuple[str, str]]
) -> None:
    await write_long(database)
    await put_all_away(database)
    assert "0" not in (await sql.execute(tampering)).split()[1:]

    found = await verify_ledger(database)

    assert expected == {(fault.what, fault.customer) for fault in found.found}


async def test_sums_and_numbers_of_tampered_anchors_are_drift(database: Database, sql: Sql) -> None:
    await write_long(database)
    await put_all_away(database)
    await sql.execute(ANCHOR.format("held_micros = 0", "acme0"))
    await sql.execute("UPDATE bucket_anchors SET seq = seq - 1")

    found = await reconcile(database)

    assert [("sums", "acme0"), ("entries", "")] == [(one.what, one.customer) for one in found.differing]


@pytest.mark.parametrize(
    "tampering",
    [
        "DELETE FROM entries WHERE id = '0-9'",
        "UPDATE entries SET amount_micros = amount_micros + 1 WHERE id = '0-2'",
        "UPDATE entries SET before_available_micros = 7 WHERE customer = 'beta0' AND wallet_seq = 1",
        "UPDATE denials SET attempts = attempts + 1 WHERE hour_ms < 1772400000000",
    ],
)
async def test_day_that_does_not_add_up_is_not_put_away(database: Database, sql: Sql, tampering: str) -> None:
    await write_long(database)
    await sql.execute(tampering)
    before = await contents(sql)

    with pytest.raises(BrokenInvariant, match=r"entries of 20260301 are not put away, `metering ledger verify`"):
        await put_all_away(database)

    assert before == await contents(sql)
