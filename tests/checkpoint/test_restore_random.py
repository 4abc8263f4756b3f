"""Random histories of the real ledger: the books restore what the entries tell, and the ledger goes on the same."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from msgspec.structs import replace
from redis.asyncio import Redis

from metering.checkpoint.backlog import Waiting
from metering.checkpoint.books import Books
from metering.checkpoint.continuity import ORIGIN
from metering.checkpoint.database import Database
from metering.checkpoint.flush import flush
from metering.checkpoint.housekeeping import window_start_ms
from metering.checkpoint.partitions import Partitions
from metering.checkpoint.wallet_tails import RememberedTails
from metering.contracts.entries import LedgerEntry
from metering.ledger.state import ChargeState, RememberedCommand, RememberedEvent, StateRecord, WalletState
from metering.ledger.till import Windows
from tests.checkpoint.scribe import encode
from tests.checkpoint.typed import at_slot, read_records
from tests.checkpoint.writing import empty_books
from tests.ledger.history.chunks import apply_all, chunked
from tests.ledger.history.fold import Fold
from tests.ledger.history.moves import MOVES, PRELUDES, Move
from tests.ledger.history.plain import plain_entry
from tests.ledger.history.till_backend import TillBackend
from tests.ledger.history.world import PLANS
from tests.ledger.test_history_random import check_live_state, run_model
from tests.ledger_model import inputs as model

LONG = os.environ.get("METERING_HISTORY") == "long"
STEPS = 64
WINDOWS = Windows()


def examples(usual: int) -> settings:
    return settings(
        derandomize=not LONG,  # the usual ones are the same in each run; the long mode draws new ones
        max_examples=usual * (50 if LONG else 1),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )


SIZES = st.lists(st.sampled_from((1, 2, 5, 30, STEPS)), min_size=1, max_size=6)
MOVES_OF_ONE = st.lists(MOVES, min_size=STEPS, max_size=STEPS)


async def write_in_flushes(database: Database, entries: list[LedgerEntry], sizes: list[int]) -> None:
    """Write entries in flushes of those sizes in turn."""
    head, first, turn, partitions, remembered = ORIGIN, 0, 0, Partitions(), RememberedTails(wallets_max=3)
    async with database.connection() as connection:
        while first < len(entries):
            size = sizes[turn % len(sizes)]
            records = [Waiting(n, encode(entries[n])) for n in range(first, min(first + size, len(entries)))]
            batch = await flush(connection, 0, head, records, partitions, remembered=remembered)
            assert batch is not None
            head, first, turn = batch.head, first + size, turn + 1


async def read_back(database: Database) -> tuple[object, list[StateRecord]]:
    async with Books(database, WINDOWS).restore(0) as restoration:
        assert restoration is not None
        return restoration.position.head, await read_records(restoration, WINDOWS)


def still_met(fold: Fold, clock_ms: int) -> list[StateRecord]:
    """What a restore must bring back: the settled charges, events and commands of the windows, and everything else."""
    since_ms = window_start_ms(clock_ms, WINDOWS)
    kept: list[StateRecord] = []
    for record in fold.records():
        match record:
            case ChargeState(_, charge, touched_at_ms) if charge.state != "held" and touched_at_ms < since_ms:
                continue
            case RememberedEvent() if record.applied_at_ms < since_ms:
                continue
            case RememberedCommand() if record.applied_at_ms <= clock_ms - WINDOWS.commands_ms:
                continue
        kept.append(at_slot(record))
    return kept


def in_order(records: list[StateRecord]) -> list[str]:
    """Make lists comparable: one text a record, lots by their names."""
    texts = []
    for record in records:
        if isinstance(record, WalletState):
            record = replace(record, lots=tuple(sorted(record.lots, key=lambda lot: lot.lot)))  # noqa: PLW2901
        texts.append(repr(record))
    return sorted(texts)


@pytest.mark.timeout(0 if LONG else 120)
@pytest.mark.requirement("IU-15")
@pytest.mark.requirement("INF-05")
@examples(20)
@given(prelude=PRELUDES, moves=MOVES_OF_ONE, sizes=SIZES, cut=st.integers(0, 10**6))
async def test_random_history_is_restored_from_the_books_and_goes_on_the_same(
    fresh_redis: Redis,
    database: Database,
    prelude: list[model.Input],
    moves: list[Move],
    sizes: list[int],
    cut: int,
) -> None:
    history = run_model(prelude, moves)
    backend = await apply_all(fresh_redis, history.inputs, sizes)
    kept = 1 + cut % len(backend.entries)
    fold = Fold()
    for entry in backend.entries[:kept]:
        fold.take(entry)
    await empty_books(database)

    await write_in_flushes(database, backend.entries[:kept], sizes)
    head, records = await read_back(database)

    position = fold.position()
    assert position == head
    assert in_order(still_met(fold, position.clock_ms)) == in_order(records)
    restored = TillBackend(fresh_redis, PLANS)
    await restored.open(position, records)
    for chunk in chunked(history.inputs[position.usage + position.commands :], sizes):
        await restored.apply(*chunk)
    assert history.entries[kept:] == [plain_entry(entry) for entry in restored.entries]
    await check_live_state(restored, history.bucket)
