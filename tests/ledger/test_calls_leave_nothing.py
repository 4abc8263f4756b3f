"""A function that Redis keeps has nothing of one call in the next: by all that it can reach, and by what it does.

Leaves loading it to `test_functions`.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, cast

import pytest
from hypothesis import given, strategies as st
from redis.asyncio import Redis

from metering.errors import BrokenInvariant
from metering.ledger import scripts
from metering.ledger.scripts import Script, load_script
from tests.faults.bench import Bench
from tests.ledger.history.chunks import apply_all, chunked
from tests.ledger.history.moves import MOVES, PRELUDES, Move
from tests.ledger.history.plain import plain_entry
from tests.ledger.history.till_backend import TillBackend
from tests.ledger.history.world import PLANS
from tests.ledger.test_history_random import CHUNK_SIZES, STEPS, examples, long_enough, run_model
from tests.ledger_model import inputs as model
from tests.simulation.lua_engine import shared_engine
from tests.simulation.model_redis import RedisClient, RedisServer

REACHED = b"""
local function reach(value, seen, texts)
  if type(value) == 'string' then
    texts[#texts + 1] = value
  elseif type(value) == 'table' and not seen[value] then
    seen[value] = true
    for key, one in pairs(value) do
      reach(key, seen, texts)
      reach(one, seen, texts)
    end
  elseif type(value) == 'function' and not seen[value] then
    seen[value] = true
    local n, name, one = 1, debug.getupvalue(value, 1)
    while name do
      reach(one, seen, texts)
      n = n + 1
      name, one = debug.getupvalue(value, n)
    end
  end
end
return function(value)
  local seen, texts, count = {}, {}, 0
  reach(value, seen, texts)
  for _ in pairs(seen) do
    count = count + 1
  end
  return count, table.concat(texts, '\\n')
end
"""

HISTORY = {"prelude": PRELUDES, "moves": st.lists(MOVES, min_size=STEPS, max_size=STEPS), "sizes": CHUNK_SIZES}


def reached(script: Script) -> tuple[int, str]:
    """How many functions and tables a script's function can reach, and all texts in them."""
    engine = shared_engine()
    count, texts = engine.lua.execute(REACHED)(engine.load(script.library).callback)
    return int(count), texts.decode(errors="replace")


def names_in(inputs: list[model.Input]) -> set[str]:
    """What would be found in anything that a call left: whom its inputs are about."""
    return {name for one in inputs if (name := getattr(one, "customer", None))}


@long_enough
@examples(15)
@given(**HISTORY)
async def test_nothing_of_a_call_can_be_reached_after_it(
    prelude: list[model.Input], moves: list[Move], sizes: list[int]
) -> None:
    inputs, apply = run_model(prelude, moves).inputs, Script.named("apply")
    redis = cast("Redis", RedisClient(RedisServer()))
    await apply_all(redis, inputs, sizes)
    count, _ = reached(apply)
    await apply_all(redis, inputs, sizes)
    again, texts = reached(apply)
    assert again == count > 100
    assert {name for name in names_in(inputs) if name in texts} == set()


@pytest.mark.parametrize(
    ("here", "leak"),
    [
        ("  bucket.remember = remember_in(bucket)\n", "  states_seen = bucket\n"),
        ("  bucket.remember = remember_in(bucket)\n", "  states_seen = states_seen or {}\n  states_seen[{}] = 1\n"),
    ],
    ids=["names", "tables"],
)
async def test_something_that_is_left_is_found(monkeypatch: pytest.MonkeyPatch, here: str, leak: str) -> None:
    text = load_script("apply")
    assert text.count(here) == 1
    leaking = Script.made_of("apply", "local states_seen\n" + text.replace(here, here + leak))
    monkeypatch.setitem(scripts._scripts, "apply", leaking)
    redis = cast("Redis", RedisClient(RedisServer()))
    inputs: list[model.Input] = [model.OpenCustomer(at=1, id="open", customer="anna", plan="off", time_zone="UTC")]
    await apply_all(redis, inputs, [1])
    count, _ = reached(leaking)
    await apply_all(redis, inputs, [1])
    again, texts = reached(leaking)
    assert again > count or "anna" in texts


async def test_bucket_that_is_written_before_it_is_equipped_is_an_error_and_writes_nothing(
    fresh_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All calls share the empty table that stands for what a call has not made yet: nothing may get into it."""
    text, equipped = load_script("apply"), "equip(bucket)\n    general().apply_input("
    assert text.count(equipped) == 1
    broken = Script.made_of("apply", text.replace(equipped, "general().apply_input("))
    bench = Bench(fresh_redis)
    owner = await bench.first_owner()
    before = await bench.snapshot()
    with monkeypatch.context() as patch:
        patch.setitem(scripts._scripts, "apply", broken)
        with pytest.raises(BrokenInvariant, match="before it is equipped"):
            await owner.top_up(1_000)
    assert await bench.snapshot() == before
    await owner.top_up(2_000)
    assert await bench.balance() == 2_000


@long_enough
@examples(10)
@given(**HISTORY, others=st.lists(MOVES, min_size=STEPS, max_size=STEPS))
async def test_calls_of_two_buckets_by_turns_are_those_of_each_alone(
    fresh_redis: Redis, prelude: list[model.Input], moves: list[Move], others: list[Move], sizes: list[int]
) -> None:
    chunks = [chunked(run_model(prelude, given).inputs, sizes) for given in (moves, others)]
    alone = [TillBackend(fresh_redis, PLANS, bucket) for bucket in (0, 1)]
    for till, its in zip(alone, chunks, strict=True):
        await till.open()
        for chunk in its:
            await till.apply(*chunk)
    by_turns = [TillBackend(fresh_redis, PLANS, bucket) for bucket in (0, 1)]
    for bucket, till in enumerate(by_turns):
        await till.open(over_what_is_there=bucket > 0)
    for pair in zip_longest(*chunks, fillvalue=[]):
        for till, chunk in zip(by_turns, pair, strict=True):
            if chunk:
                await till.apply(*chunk)
    for till, other in zip(by_turns, alone, strict=True):
        assert [plain_entry(entry) for entry in till.entries] == [plain_entry(entry) for entry in other.entries]


def test_look_goes_through_tables_and_what_functions_name() -> None:
    engine = shared_engine()
    made: Any = engine.lua.execute(b"local kept = { { text = 'anna' } } return function() return kept end")
    count, texts = engine.lua.execute(REACHED)(made)
    assert (count, b"anna" in texts) == (3, True)
