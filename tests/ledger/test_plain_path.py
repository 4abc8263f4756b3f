"""The plain path gives what the general one gives: entries and stored state, byte by byte, and the model's entries.

Random histories, most of whose moves are plain, are driven through both, and through the plain one in other chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, strategies as st
from redis.asyncio import Redis

from metering.ledger import scripts
from metering.ledger.head import StoredHead
from tests.ledger.history.chunks import apply_all
from tests.ledger.history.moves import MOVES, PRELUDES, Move
from tests.ledger.history.plain import plain_entry
from tests.ledger.history.till_backend import TillBackend
from tests.ledger.test_history_random import (
    CHUNK_IDS,
    CHUNK_SIZES,
    STEPS,
    History,
    check_live_state,
    examples,
    long_enough,
    run_model,
)
from tests.ledger_model import inputs as model

PLAIN_KINDS = (
    *("submission",) * 6,
    *("outcome",) * 7,
    *("repeat", "top_up", "set_alert", "call", "block_sender", "unblock_sender", "put_limit", "tick"),
)


def soon(pause: int | str) -> int:
    """A second at most: what is plain follows closely, and no window ends between."""
    return min(max(pause, 0), 1_000) if isinstance(pause, int) else 0


PLAIN_MOVES = st.lists(
    st.builds(
        lambda move, kind, amount, is_plain: (
            replace(move, kind=kind, amount=amount, pause=soon(move.pause)) if is_plain else move
        ),
        MOVES,
        st.sampled_from(PLAIN_KINDS),
        st.sampled_from(("one", "one", "few", "few", "some", "below", "all", "exactly", "above", "huge", "zero")),
        st.sampled_from((True,) * 9 + (False,)),
    ),
    min_size=STEPS,
    max_size=STEPS,
)


@cache
def apply_script(*, is_on: bool) -> scripts.Script:
    """Return `apply` as it takes the plain path, or as it sends everything the general way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scripts.LUA_CONSTANTS, "PLAIN_PATH", int(is_on))
        text = scripts.load_script.__wrapped__("apply")
    return scripts.Script.made_of("apply", text)


@contextmanager
def plain_path(*, is_on: bool) -> Iterator[None]:
    """Have `apply` take the plain path or not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scripts._scripts, "apply", apply_script(is_on=is_on))
        yield


async def run(redis: Redis, history: History, sizes: list[int], *, is_on: bool) -> TillBackend:
    with plain_path(is_on=is_on):
        return await apply_all(redis, history.inputs, sizes)


async def stored(redis: Any) -> dict[bytes, Any]:
    """All that the bucket keeps but what names its calls."""
    found: dict[bytes, Any] = {}
    for key in sorted(await redis.keys()):
        kind = (await redis.type(key)).decode()
        if kind == "hash":
            found[key] = await redis.hgetall(key)
        elif kind == "zset":
            found[key] = await redis.zrange(key, 0, -1, withscores=True)
    meta = found[b"{b0}:meta"]
    for name in (b"token", b"base_chunk"):
        del meta[name]
    meta[b"head"] = meta[b"head"].removesuffix(StoredHead.of_field(meta[b"head"]).head.chunk.encode())
    return found


async def check_both_ways(redis: Redis, history: History, sizes: list[int]) -> None:
    """Hold the plain path to the bytes of the general one, and both to the model."""
    values, states = [], []
    for is_on in (True, False):
        backend = await run(redis, history, sizes, is_on=is_on)
        values.append([CHUNK_IDS.sub(b"", value) for value in backend.values])
        states.append(await stored(redis))
        assert history.entries == [plain_entry(entry) for entry in backend.entries]
        await check_live_state(backend, history.bucket)

    assert values[0] == values[1]
    assert states[0] == states[1]


@long_enough
@examples(25)
@given(prelude=PRELUDES, moves=PLAIN_MOVES, sizes=CHUNK_SIZES)
async def test_plain_path_gives_the_bytes_of_the_general_one(
    fresh_redis: Redis, prelude: list[model.Input], moves: list[Move], sizes: list[int]
) -> None:
    await check_both_ways(fresh_redis, run_model(prelude, moves), sizes)


LEVELS_LIMITED = (("customer", "anna"), ("wallet", "main"), ("user", "u1"), ("sender", "s1"), ("campaign", "c1"))
CAPS = (5, 20, 10**6, 10**6)
LIMITED_STEPS = st.lists(
    st.tuples(
        st.sampled_from(("limit", "text", "text", "text", "text", "hold", "outcome", "repeat", "top_up")),
        st.sampled_from(LEVELS_LIMITED),
        st.sampled_from(("none", "day", "month", "cycle")),
        st.sampled_from(CAPS),
        st.sampled_from((1, 2, 7, 60)),
        st.sampled_from((0, 0, 1_000, 86_400_000)),
        st.booleans(),
    ),
    min_size=30,
    max_size=30,
)


def limited_inputs(steps: list[tuple[Any, ...]]) -> list[model.Input]:
    """A customer with limits whose texts are charged at once, with a few holds and outcomes between."""
    now = 1_790_000_000_000
    made: list[model.Input] = [
        model.OpenCustomer(at=now, id="open", customer="anna", plan="off", time_zone="America/New_York"),
        model.TopUp(at=now, id="credit", customer="anna", amount=300, unit="USD"),
    ]
    for n, (kind, (level, name), window, cap, price, pause, flag) in enumerate(steps):
        now += pause
        about: dict[str, Any] = {"at": now, "id": f"e{n}", "customer": "anna", "charge": f"x{n // 2}" if flag else None}
        concerns: dict[str, Any] = {"sender": "s1", "user": "u1" if flag else None, "campaign": "c1"}
        if kind == "limit":
            command = {"at": now, "id": f"c{n}", "customer": "anna"}
            made.append(model.PutLimit(**command, level=level, name=name, window=window, cap=cap, carry=flag))
        elif kind == "top_up":
            made.append(model.TopUp(at=now, id=f"c{n}", customer="anna", amount=100, unit="USD"))
        elif kind == "repeat":
            made.append(replace(made[-1], at=now))
        elif kind == "outcome":
            made.append(model.Outcome(**about, moment="sent", sender="s1"))
        else:
            due = "submit" if kind == "text" else "sent"
            made.append(model.Submission(**about, **concerns, price=price, charge_on=due, deadline=now + 3_600_000))
    return made


@long_enough
@examples(25)
@given(steps=LIMITED_STEPS, sizes=CHUNK_SIZES)
async def test_plain_path_counts_in_limits_what_the_general_one_counts(
    fresh_redis: Redis, steps: list[tuple[Any, ...]], sizes: list[int]
) -> None:
    await check_both_ways(fresh_redis, run_model(limited_inputs(steps), []), sizes)


ORDER_STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ("hold", "hold", "text", "sent", "sent", "delivered", "failed", "cancelled", "repeat", "top_up")
        ),
        st.integers(1, 4),
        st.sampled_from((1, 7, 40, 90)),
        st.sampled_from((0, 0, 0, 1_000)),
    ),
    min_size=30,
    max_size=30,
)
"""What happens, to which of few charges, its price, and the pause before: outcomes come before their submissions, after
them and between two, most of them in one call."""


def disordered_inputs(steps: list[tuple[str, int, int, int]]) -> list[model.Input]:
    """Make a customer's inputs about a handful of charges, in any order."""
    now = 1_790_000_000_000
    made: list[model.Input] = [
        model.OpenCustomer(at=now, id="open", customer="anna", plan="off", time_zone="UTC"),
        model.TopUp(at=now, id="credit", customer="anna", amount=200, unit="USD"),
    ]
    for n, (kind, charge, price, pause) in enumerate(steps):
        now += pause
        about: dict[str, Any] = {"at": now, "id": f"e{n}", "customer": "anna", "charge": f"x{charge}", "sender": "s1"}
        if kind == "top_up":
            made.append(model.TopUp(at=now, id=f"c{n}", customer="anna", amount=price, unit="USD"))
        elif kind == "repeat":
            made.append(replace(made[-1 - min(charge, len(made) - 1)], at=now))
        elif kind in ("hold", "text"):
            due = "submit" if kind == "text" else ("sent", "delivered")[charge % 2]
            made.append(model.Submission(**about, price=price, charge_on=due, deadline=now + 3_600_000))
        else:
            made.append(model.Outcome(**about, moment=kind, charge_on=("sent", "delivered")[charge % 2]))
    return made


@long_enough
@examples(40)
@given(steps=ORDER_STEPS, sizes=CHUNK_SIZES)
async def test_plain_path_finds_charges_in_any_order(
    fresh_redis: Redis, steps: list[tuple[str, int, int, int]], sizes: list[int]
) -> None:
    await check_both_ways(fresh_redis, run_model(disordered_inputs(steps), []), sizes)
