"""Scripts as functions that Redis keeps: where they are missing, beside other versions, and what stays between calls.

Leaves what they decide to the histories, and servers that lose them under load to `faults` and `end_to_end`.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from metering.errors import BrokenInvariant, Retryable
from metering.ledger import functions, scripts
from metering.ledger.functions import VERSIONS_MAX, call_script
from metering.ledger.identity import fresh_token
from metering.ledger.joined_calls import JoinedCalls
from metering.ledger.scripts import SCRIPTS, Script, library_prefix, load_script
from metering.ledger.till import Agreed, Till, Vitals
from tests.faults.bench import Bench, end_of


async def libraries(redis: Redis, name: str) -> set[str]:
    """The versions of a script that the server has."""
    asked: Any = redis.function_list(f"{library_prefix(name)}*")
    found = await asked
    return {dict(zip(one[::2], one[1::2], strict=True))[b"library_name"].decode() for one in found}


def another_version(name: str, number: int) -> Script:
    """A script that does the same under another name, as one of another release."""
    return Script.made_of(name, f"local release = {number}\n{load_script(name)}")


@pytest.mark.requirement("INF-01")
async def test_function_that_is_missing_is_loaded_and_called_at_every_call(fresh_redis: Redis) -> None:
    bench = Bench(fresh_redis)
    owner = await bench.first_owner()
    for amount in (1_000, 2_000):
        await fresh_redis.function_flush()
        await owner.top_up(amount)
    assert await bench.balance() == 3_000
    assert await libraries(fresh_redis, "apply") == {Script.named("apply").name}


async def test_many_that_miss_it_at_once_are_all_served(fresh_redis: Redis) -> None:
    await fresh_redis.function_flush()
    calls = JoinedCalls(fresh_redis)
    tills = [Till(calls, bucket) for bucket in range(20)]
    await asyncio.gather(*(till.claim(fresh_token()) for till in tills))
    await calls.aclose()
    assert [await fresh_redis.hexists(till.keys.meta, "token") for till in tills] == [True] * 20


async def test_old_and_new_versions_are_called_side_by_side(
    fresh_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fresh_redis.function_flush()
    bench = Bench(fresh_redis)
    owner = await bench.first_owner()
    old, new = Script.named("apply"), another_version("apply", 2)
    for version in (new, old, new, old):
        monkeypatch.setitem(scripts._scripts, "apply", version)
        await owner.top_up(1_000)
    assert await bench.balance() == 4_000
    assert await libraries(fresh_redis, "apply") == {old.name, new.name}


async def test_versions_are_bounded_and_one_that_was_dropped_is_loaded_again(
    fresh_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fresh_redis.function_flush()
    keys, arguments = ["{b0}:meta"], ["token"]
    first = Script.named("claim")
    await call_script(fresh_redis, "claim", keys, arguments)
    await call_script(fresh_redis, "probe", [*keys, "{b0}:a", "{b0}:b", "{b0}:c", "{b0}:d"], ["token", 0, "", 0, 0])
    for number in range(1, VERSIONS_MAX):
        monkeypatch.setitem(scripts._scripts, "claim", another_version("claim", number))
        await call_script(fresh_redis, "claim", keys, arguments)
    assert len(await libraries(fresh_redis, "claim")) == VERSIONS_MAX

    last = another_version("claim", VERSIONS_MAX)
    monkeypatch.setitem(scripts._scripts, "claim", last)
    await call_script(fresh_redis, "claim", keys, arguments)
    assert await libraries(fresh_redis, "claim") == {last.name}
    assert await libraries(fresh_redis, "probe") == {Script.named("probe").name}

    monkeypatch.setitem(scripts._scripts, "claim", first)
    await call_script(fresh_redis, "claim", keys, arguments)
    assert await libraries(fresh_redis, "claim") == {last.name, first.name}


async def test_function_that_is_gone_again_at_once_is_asked_for_later(
    fresh_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a slot's calls go to a server that the client does not know yet."""
    await fresh_redis.function_flush()

    async def give_nothing(*_: Any) -> None:
        return None

    with monkeypatch.context() as patch:
        patch.setattr(functions, "_give", give_nothing)
        with pytest.raises(Retryable, match="claim of bucket 0"):
            await Till(fresh_redis, 0).claim(fresh_token())
    assert await Till(fresh_redis, 0).claim(fresh_token()) is None


async def test_error_in_mid_call_leaves_nothing_to_the_next(fresh_redis: Redis) -> None:
    bench = Bench(fresh_redis)
    owner = await bench.first_owner()
    await owner.top_up(1_000)
    await fresh_redis.rename("{b0}:wallets", "{b0}:aside")
    await fresh_redis.set("{b0}:wallets", "not a hash")
    with pytest.raises(BrokenInvariant, match="WRONGTYPE"):
        await owner.top_up(2_000)
    await fresh_redis.delete("{b0}:wallets")
    await fresh_redis.rename("{b0}:aside", "{b0}:wallets")
    await owner.top_up(4_000)
    assert await bench.balance() == 5_000


@pytest.mark.parametrize("name", SCRIPTS)
async def test_library_loads_and_registers_the_one_function_that_it_is_called_by(fresh_redis: Redis, name: str) -> None:
    script = Script.named(name)
    answer: Any = fresh_redis.function_load(script.library, replace=True)
    assert (await answer).decode() == script.name
    with pytest.raises(ResponseError, match="already exists"):
        await fresh_redis.function_load(script.library)


async def test_full_server_is_emptied_by_what_needs_no_room(fresh_redis: Redis) -> None:
    """A bucket can be taken, compared and trimmed, or what is kept for publishing would stay for good."""
    bench = Bench(fresh_redis)
    owner = await bench.first_owner()
    await owner.top_up(1_000)
    earlier = end_of(owner.head)
    await owner.top_up(2_000)
    for name in SCRIPTS:
        await fresh_redis.function_load(Script.named(name).library, replace=True)
    await fresh_redis.config_set("maxmemory", "1")
    try:
        assert isinstance(await bench.till.probe(owner.token, owner.head), Vitals)
        with pytest.raises(Retryable, match="OOM"):
            await owner.top_up(4_000)
        end = end_of(owner.head)
        later = await bench.claim(owner.head)
        assert isinstance(await bench.till.compare(later.token, earlier), Agreed)
        assert await bench.outbox_seqs() == [3]
        assert await bench.till.trim(later.token, end)
        assert await bench.outbox_seqs() == []
    finally:
        await fresh_redis.config_set("maxmemory", "0")
