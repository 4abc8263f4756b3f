"""The plain path gives what the general one gives: entries and stored state, byte by byte, and the model's entries.

Random histories, most of whose moves are plain, are driven through both, and through the plain one in other chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from hashlib import sha1
from typing import Any

import pytest
from hypothesis import given, strategies as st
from redis.asyncio import Redis

from metering.ledger import scripts
from tests.ledger.history.moves import MOVES, PRELUDES, Move
from tests.ledger.history.plain import plain_entry
from tests.ledger.history.till_backend import TillBackend
from tests.ledger.history.world import PLANS
from tests.ledger.test_history_random import (
    CHUNK_IDS,
    CHUNK_SIZES,
    STEPS,
    History,
    check_live_state,
    chunked,
    examples,
    long_enough,
    run_model,
)
from tests.ledger_model import inputs as model

PLAIN_KINDS = ("submission",) * 6 + ("outcome",) * 7 + ("repeat", "top_up", "set_alert", "call", "block_sender", "tick")


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
        st.sampled_from(("one", "one", "few", "few", "some", "below", "all", "exactly", "zero")),
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
    return scripts.Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


@contextmanager
def plain_path(*, is_on: bool) -> Iterator[None]:
    """Have `apply` take the plain path or not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scripts._scripts, "apply", apply_script(is_on=is_on))
        yield


async def run(redis: Redis, history: History, sizes: list[int], *, is_on: bool) -> TillBackend:
    with plain_path(is_on=is_on):
        backend = TillBackend(redis, PLANS)
        await backend.open()
        for chunk in chunked(history.inputs, sizes):
            await backend.apply(*chunk)
    return backend


async def stored(redis: Any) -> dict[bytes, Any]:
    """All that the bucket keeps but what names its calls."""
    found: dict[bytes, Any] = {}
    for key in sorted(await redis.keys()):
        kind = (await redis.type(key)).decode()
        if kind == "hash":
            found[key] = await redis.hgetall(key)
        elif kind == "zset":
            found[key] = await redis.zrange(key, 0, -1, withscores=True)
    for name in (b"token", b"chunk", b"base_chunk"):
        del found[b"{b0}:meta"][name]
    return found


@long_enough
@examples(25)
@given(prelude=PRELUDES, moves=PLAIN_MOVES, sizes=CHUNK_SIZES)
async def test_plain_path_gives_the_bytes_of_the_general_one(
    fresh_redis: Redis, prelude: list[model.Input], moves: list[Move], sizes: list[int]
) -> None:
    history = run_model(prelude, moves)
    values, states = [], []
    for is_on in (True, False):
        backend = await run(fresh_redis, history, sizes, is_on=is_on)
        values.append([CHUNK_IDS.sub(b"", value) for value in backend.values])
        states.append(await stored(fresh_redis))
        assert history.entries == [plain_entry(entry) for entry in backend.entries]
        await check_live_state(backend, history.bucket)

    assert values[0] == values[1]
    assert states[0] == states[1]
