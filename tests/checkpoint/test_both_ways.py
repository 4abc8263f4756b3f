"""The books are the same by compiled steps and by Python, row by row: in a real Postgres, of the real Lua's entries."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace
from redis.asyncio import Redis

from metering import native
from metering.checkpoint.backlog import Waiting
from metering.checkpoint.bulk import PIECE_BYTES
from metering.checkpoint.continuity import ORIGIN
from metering.checkpoint.database import Database
from metering.checkpoint.entry_rows import COLUMNS, WIDTHS
from metering.checkpoint.flush import flush
from metering.checkpoint.flush_states import CHARGE_COLUMNS, CHARGE_WIDTHS
from metering.checkpoint.partitions import Partitions
from metering.checkpoint.wallet_tails import RememberedTails
from metering.contracts.entries import Balance, Charge, LedgerEntry
from metering.contracts.reasons import Kind
from metering.errors import BrokenInvariant
from tests.checkpoint.same_books import contents
from tests.checkpoint.scribe import Scribe, encode
from tests.checkpoint.test_restore_random import MOVES_OF_ONE, SIZES, examples
from tests.checkpoint.writing import Sql, empty_books
from tests.ledger.history.chunks import apply_all
from tests.ledger.history.moves import PRELUDES, Move
from tests.ledger.test_history_random import run_model
from tests.ledger_model import inputs as model
from tests.native.paths import BOTH_WAYS, needs_compiled


async def written(database: Database, sql: Sql, values: list[bytes], sizes: list[int], *, is_on: bool) -> Any:
    """The whole books after `values` in flushes of those sizes in turn, and what of each flush did not count."""
    await empty_books(database)
    head, first, turn, partitions, remembered, dropped = ORIGIN, 0, 0, Partitions(), RememberedTails(wallets_max=3), []
    with native.forced(is_on=is_on):
        async with database.connection() as connection:
            while first < len(values):
                size = sizes[turn % len(sizes)]
                records = [Waiting(n, values[n]) for n in range(first, min(first + size, len(values)))]
                batch = await flush(connection, 0, head, records, partitions, remembered=remembered)
                assert batch is not None
                dropped.append(batch.dropped)
                head, first, turn = batch.head, first + size, turn + 1
    return await contents(sql), dropped


async def check_same(database: Database, sql: Sql, values: list[bytes], sizes: list[int]) -> Any:
    found = await written(database, sql, values, sizes, is_on=True)
    assert await written(database, sql, values, sizes, is_on=False) == found
    return found[0]


@needs_compiled
@pytest.mark.timeout(120)
@examples(15)
@given(prelude=PRELUDES, moves=MOVES_OF_ONE, sizes=SIZES)
async def test_random_history_comes_to_the_same_books(
    fresh_redis: Redis, database: Database, sql: Sql, prelude: list[model.Input], moves: list[Move], sizes: list[int]
) -> None:
    backend = await apply_all(fresh_redis, run_model(prelude, moves).inputs, sizes)
    values = [encode(entry) for entry in backend.entries]

    books = await check_same(database, sql, values, sizes)

    assert len(books["positions"]) == 1


def life_of_messages() -> Scribe:
    """Plain entries and others in turn, of the same wallets, lots and charges, over two days."""
    scribe = Scribe()
    for customer in ("acme", "bolt", "ñandú"):
        scribe.open(customer, 1_000)
    for day in range(2):
        scribe.next_chunk, scribe.clock = f"c{day}", scribe.clock + day * 86_400_000
        for number in range(4):
            for customer in ("acme", "bolt", "ñandú"):
                scribe.reserve(customer, f"m{number}", 10)
                scribe.commit(customer, f"m{number}", 10, note='"so"' if number == 1 else None)
            scribe.top_up("acme", 5)
            scribe.expire("bolt", f"m{number}", 0)
            scribe.deny_blocked("acme", "+34600")
            scribe.plain(Kind.NOTED, "bolt", charge=Charge(f"n{number}", "released", "main", 0, 0, 0, "sent"))
            several = Charge("s1", "held", "main", 2, 0, 0, "sent", recipients={"+1": 1, "+2": 1})
            scribe.plain(Kind.RESERVED, "bolt", charge=several)
            if number % 2:
                scribe.plain(Kind.NOTED, "bolt", charge=Charge("s1", "released", "main", 0, 0, 0, "sent"))
    return scribe


@needs_compiled
@pytest.mark.parametrize("size", [1, 7, 500])
async def test_plain_entries_and_others_in_turn_come_to_the_same_books(database: Database, sql: Sql, size: int) -> None:
    values = [value for _, value in life_of_messages().values()]

    books = await check_same(database, sql, [*values[:9], values[3], b"?", *values[9:]], [size])

    assert len(books["entries"]) == len(values) - 8
    assert len(books["charges"]) == 17


@needs_compiled
async def test_what_does_not_follow_is_refused_with_the_same_words(database: Database) -> None:
    refused: list[set[str]] = []
    for change in ({"wallet_seq": 9}, {"before": Balance(7, 0, 0)}, {"customer": "nobody"}):
        scribe = Scribe()
        scribe.open("acme", 100)
        scribe.reserve("acme", "m1", 10)
        scribe.entries.append(replace(scribe.commit("acme", "m1", 10), **change))
        del scribe.entries[-2]
        words: set[str] = set()
        for is_on in (True, False):
            with pytest.raises(BrokenInvariant) as caught:
                await written_alone(database, scribe.entries, is_on=is_on)
            words.add(str(caught.value))
        refused.append(words)

    assert [1, 1, 1] == [len(words) for words in refused]
    assert "0-4" in refused[0].pop()


async def written_alone(database: Database, entries: list[LedgerEntry], *, is_on: bool) -> None:
    await empty_books(database)
    with native.forced(is_on=is_on):
        async with database.connection() as connection:
            records = [Waiting(n, encode(entry)) for n, entry in enumerate(entries)]
            await flush(connection, 0, ORIGIN, records, Partitions())


@pytest.mark.parametrize("is_on", BOTH_WAYS)
async def test_entries_that_take_several_messages_of_copy_are_written(
    database: Database, sql: Sql, is_on: bool
) -> None:
    scribe = Scribe()
    scribe.open("acme", 100)
    for number in range(5):
        scribe.reserve("acme", f"m{number}", 1, note=("ñ" if number % 2 else "n") * (PIECE_BYTES // 3))

    await written_alone(database, scribe.entries, is_on=is_on)

    assert PIECE_BYTES * 4 // 3 < await sql.fetchval("SELECT sum(octet_length(note)) FROM entries")


async def test_numbers_are_as_wide_as_their_columns(sql: Sql) -> None:
    bytes_of = {"integer": 4, "smallint": 2, "bigint": 8}
    query = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = $1"
    for table, columns, widths in (
        ("entries", (*COLUMNS, "chain"), WIDTHS),
        ("charges", CHARGE_COLUMNS, CHARGE_WIDTHS),
    ):
        types = dict([tuple(row) for row in await sql.fetch(query, table)])
        assert types.keys() == set(columns)
        for column, width in zip(columns, widths, strict=True):
            assert types[column] in {"text", "json", "bytea", "boolean"} or bytes_of[types[column]] == width, column
