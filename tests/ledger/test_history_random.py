"""Random histories: the real Lua on a real Valkey against the model, whole, in chunks, and restored midway.

The usual run takes more than 10,000 random steps: it counts them, and the summary of the run tells how many. The slow
test takes twenty times as many, and with METERING_HISTORY=long all do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings, strategies as st
from msgspec.structs import asdict
from redis.asyncio import Redis

from metering.contracts.entries import Position
from metering.contracts.states import State
from metering.ledger.assignable import AssignableFigures
from tests.ledger.history.chunks import apply_all, chunked
from tests.ledger.history.fold import Fold
from tests.ledger.history.model_state import (
    blocks_of,
    charges_held,
    position_of,
    settings_of,
    state_records,
    states_of,
    wallets_of,
)
from tests.ledger.history.moves import MOVES, PRELUDES, Move, concrete
from tests.ledger.history.plain import plain_entry
from tests.ledger.history.till_backend import TillBackend
from tests.ledger.history.world import PLANS
from tests.ledger_model import inputs as model
from tests.ledger_model.allotments import assignable
from tests.ledger_model.bucket import Bucket
from tests.ledger_model.deadlines import hold_name, lot_name
from tests.ledger_model.invariants import Books
from tests.ledger_model.state import Customer

LONG = os.environ.get("METERING_HISTORY") == "long"
STEPS = 64
"""Moves of one history. One that shrinks becomes `nothing`, so that short histories are among them."""

CHUNK_IDS = re.compile(rb'"chunk":"[0-9a-f]*","prev_chunk":"[0-9a-f]*",')

MOVES_OF_ONE = st.lists(MOVES, min_size=STEPS, max_size=STEPS)
CHUNK_SIZES = st.lists(st.sampled_from((1, 2, 3, 7, 20, STEPS)), min_size=1, max_size=8)


def examples(usual: int, *, are_new: bool = LONG) -> settings:
    """Settings for `usual` histories, more in the long mode. Every example empties the server itself.

    The usual ones are the same in each run, so that it judges a change and not the day's luck; the long modes draw
    new ones.
    """
    return settings(
        derandomize=not are_new,
        max_examples=usual * (20 if LONG else 1),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )


long_enough = pytest.mark.timeout(0 if LONG else 120)


STEPS_LEAST = 10_000
"""Random steps of one run of the usual tests of this file."""
TESTS = 4

_counts = [[0]]
"""Of the test that runs: how many steps it has taken."""


@pytest.fixture(scope="module", autouse=True)
def steps() -> Iterator[dict[str, int]]:
    """The steps of each test that ran; of all the usual ones together they are enough."""
    by_test: dict[str, int] = {}
    yield by_test
    if len(by_test) >= TESTS:
        assert sum(by_test.values()) >= STEPS_LEAST


@pytest.fixture(autouse=True)
def count_steps(request: pytest.FixtureRequest, steps: dict[str, int]) -> Iterator[None]:
    """Count the steps of one test, told in the summary of the run (tests/conftest.py)."""
    taken = _counts[0] = [0]
    request.node.user_properties.append(("random_steps", taken))
    yield
    steps[request.node.name] = taken[0]


@dataclass
class Snapshot:
    """The model right after one entry, and where its inputs then stood."""

    bucket: Bucket
    position: Position


@dataclass
class History:
    """What the model made of the moves."""

    inputs: list[model.Input]
    entries: list[dict[str, Any]]
    bucket: Bucket
    snapshots: list[Snapshot]


def run_model(prelude: list[model.Input], moves: list[Move], *, snapshot_every: int = 0) -> History:
    """Run the model, its invariants checked after each entry."""
    bucket, books = Bucket(PLANS), Books()
    history = History([], [], bucket, [])
    usage = commands = 0
    for step in (*prelude, *moves):
        if isinstance(step, Move) and step.kind == "nothing":
            continue
        given = concrete(step, bucket, history.inputs) if isinstance(step, Move) else step
        history.inputs.append(given)
        note(str(given))
        _counts[0][0] += 1
        is_event = isinstance(given, model.Event)
        for entry in bucket.steps(given):
            is_timer = entry["due_at"] is not None
            books.take(entry)
            books.check(bucket)
            history.entries.append({name: value for name, value in entry.items() if name != "input"})
            if snapshot_every and entry["seq"] % snapshot_every == 0:
                passed = Position(usage + (is_event and not is_timer), commands + (not is_event and not is_timer))
                history.snapshots.append(Snapshot(bucket.copy(), passed))
        usage, commands = usage + is_event, commands + (not is_event)
    return history


async def check_live_state(backend: TillBackend, bucket: Bucket) -> None:
    """Hold live reads against the model."""
    reader = backend.reader
    names = list(bucket.customers)
    assert [settings_of(customer) for customer in bucket.customers.values()] == await reader.settings(names)
    for name, customer in bucket.customers.items():
        assert wallets_of(customer) == await reader.wallets(name)
        assert states_of(bucket, customer) == await reader.states(name)
        assert charges_held(customer) == await reader.charges_held(name)
        assert blocks_of(customer) == await reader.blocks(name)
        check_assignable(bucket, customer, await reader.states(name))
    check_timers(await backend.timers(), bucket)
    await backend.check_head()


def check_assignable(bucket: Bucket, customer: Customer, states: list[State]) -> None:
    """What people are told can be assigned is what the rules say."""
    pool = customer.wallets["main"].available
    figures = AssignableFigures(states, pool)
    if not customer.has_terms:
        assert figures.assignable() is None
        return
    for user in (None, *customer.users.values()):
        per_month = 0 if user is None else user.per_month
        told = figures.assignable(None if user is None else user.name)
        expected, _, _ = assignable(bucket, customer, user, per_month, pool)
        assert told is not None
        assert {name.removesuffix("_micros"): value for name, value in asdict(told).items()} == expected


def check_timers(timers: dict[str, int], bucket: Bucket) -> None:
    """Each hold has its deadline and nothing else has one; each lot that may lapse has a timer, no lot that is gone."""
    deadlines, expiries, lapsing = {}, {}, set()
    for customer in bucket.customers.values():
        for charge in customer.charges.values():
            if charge.state == "held":
                deadlines[hold_name(customer.name, charge)] = charge.deadline
        for wallet in customer.wallets.values():
            for lot in wallet.lots:
                if lot.expires_at is not None:
                    name = lot_name(wallet, lot)
                    expiries[name] = lot.expires_at
                    lapsing |= {name} if lot.free > 0 else set()
    assert deadlines == {name: due for name, due in timers.items() if name.startswith("h")}
    windows = {name: due for name, due in bucket.timers.items() if name.startswith("w")}
    assert windows == {name: due for name, due in timers.items() if name.startswith("w")}
    found = {name: due for name, due in timers.items() if name.startswith("l")}
    assert lapsing <= found.keys() <= expiries.keys()
    assert found == {name: expiries[name] for name in found}
    by_the_calendar = {name: due for name, due in timers.items() if name[0] in "yzsu"}
    assert by_the_calendar == {name: due for name, due in bucket.timers.items() if name[0] in "yzsu"}


@long_enough
@pytest.mark.requirement("IU-15")
@pytest.mark.requirement("INF-02")
@examples(160)
@given(prelude=PRELUDES, moves=MOVES_OF_ONE, sizes=CHUNK_SIZES)
async def test_random_history_in_random_chunks_gives_the_models_entries_and_state(
    fresh_redis: Redis, prelude: list[model.Input], moves: list[Move], sizes: list[int]
) -> None:
    await compare(fresh_redis, prelude, moves, sizes)


@pytest.mark.slow
@pytest.mark.timeout(0)
@examples(160 if LONG else 3200, are_new=True)
@given(prelude=PRELUDES, moves=MOVES_OF_ONE, sizes=CHUNK_SIZES)
async def test_many_random_histories_give_the_models_entries_and_state(
    fresh_redis: Redis, prelude: list[model.Input], moves: list[Move], sizes: list[int]
) -> None:
    await compare(fresh_redis, prelude, moves, sizes)


async def compare(redis: Redis, prelude: list[model.Input], moves: list[Move], sizes: list[int]) -> None:
    """Hold the Lua against the model through a whole history."""
    history = run_model(prelude, moves)
    backend = TillBackend(redis, PLANS)
    await backend.open()

    for chunk in chunked(history.inputs, sizes):
        await backend.apply(*chunk)

    assert history.entries == [plain_entry(entry) for entry in backend.entries]
    await check_live_state(backend, history.bucket)


@long_enough
@examples(15)
@given(prelude=PRELUDES, moves=MOVES_OF_ONE, sizes=CHUNK_SIZES)
async def test_history_cut_into_other_chunks_gives_the_same_bytes_but_for_the_chunks(
    fresh_redis: Redis, prelude: list[model.Input], moves: list[Move], sizes: list[int]
) -> None:
    history = run_model(prelude, moves)
    runs = []
    for cut in ([1], sizes):
        backend = await apply_all(fresh_redis, history.inputs, cut)
        runs.append([CHUNK_IDS.sub(b"", value) for value in backend.values])

    assert runs[0] == runs[1]


@long_enough
@pytest.mark.requirement("INF-05")
@examples(40)
@given(prelude=PRELUDES, moves=MOVES_OF_ONE, sizes=CHUNK_SIZES, cut=st.integers(0, 10**6))
async def test_history_restored_midway_from_the_models_state_gives_the_same_rest(
    fresh_redis: Redis, prelude: list[model.Input], moves: list[Move], sizes: list[int], cut: int
) -> None:
    history = run_model(prelude, moves, snapshot_every=5)
    if not history.snapshots:
        return
    snapshot = history.snapshots[cut % len(history.snapshots)]
    backend = TillBackend(fresh_redis, PLANS)
    done = snapshot.position.usage + snapshot.position.commands

    await backend.open(position_of(snapshot.bucket, snapshot.position, "c0ffee"), state_records(snapshot.bucket))
    for chunk in chunked(history.inputs[done:], sizes):
        await backend.apply(*chunk)

    assert history.entries[snapshot.bucket.seq :] == [plain_entry(entry) for entry in backend.entries]
    await check_live_state(backend, history.bucket)


@long_enough
@pytest.mark.requirement("INF-05")
@examples(40)
@given(prelude=PRELUDES, moves=MOVES_OF_ONE, sizes=CHUNK_SIZES, cut=st.integers(0, 10**6), over=st.booleans())
async def test_history_restored_midway_from_its_entries_gives_the_same_rest(
    fresh_redis: Redis, prelude: list[model.Input], moves: list[Move], sizes: list[int], cut: int, *, over: bool
) -> None:
    history = run_model(prelude, moves)
    backend = await apply_all(fresh_redis, history.inputs, sizes)
    fold = Fold()
    kept = 1 + cut % len(backend.entries)
    for entry in backend.entries[:kept]:
        fold.take(entry)
    position = fold.position()
    restored = TillBackend(fresh_redis, PLANS)

    await restored.open(position, fold.records(), over_what_is_there=over)
    for chunk in chunked(history.inputs[position.usage + position.commands :], sizes):
        await restored.apply(*chunk)

    assert history.entries[kept:] == [plain_entry(entry) for entry in restored.entries]
    await check_live_state(restored, history.bucket)
