"""What a call asks of Redis: a small one costs by its commands. Leaves what it answers to the histories."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from tests.ledger.history.till_backend import TillBackend
from tests.ledger.history.world import PLANS
from tests.ledger_model import inputs as model

NOW = 1_790_000_000_000


async def commands_of(redis: Redis, backend: TillBackend, *inputs: model.Input) -> dict[str, int]:
    """How often each command was called for a chunk of those inputs."""
    await redis.config_resetstat()
    await backend.apply(*inputs)
    told: dict[str, Any] = await redis.info("commandstats")
    return {name.removeprefix("cmdstat_"): int(figures["calls"]) for name, figures in told.items()}


def text(number: int, at: int = NOW + 1, **fields: Any) -> model.Input:
    """A text charged at once, or held."""
    return model.Submission(
        at=at, id=f"e{number}", customer="anna", charge=f"c{number}", price=1, deadline=NOW + 60_000, **fields
    )


async def open_anna(redis: Redis) -> TillBackend:
    backend = TillBackend(redis, PLANS)
    await backend.open()
    await backend.apply(
        model.OpenCustomer(at=NOW, id="open", customer="anna", plan="off", time_zone="UTC"),
        model.TopUp(at=NOW, id="credit", customer="anna", amount=1_000, unit="USD"),
    )
    await backend.apply(text(0, charge_on="submit", sender="s1"))
    return backend


async def test_plain_call_asks_for_no_timer_and_writes_each_hash_once(fresh_redis: Redis) -> None:
    backend = await open_anna(fresh_redis)
    inputs = [text(number, charge_on="submit", sender="s1") for number in (1, 2, 3)]
    asked = await commands_of(fresh_redis, backend, *inputs)
    assert not asked.keys() & {"zrange", "zrangebyscore", "zadd", "zrem"}
    assert (asked["rpush"], asked["hset"]) == (1, 5), "wallets, settled charges, ids, meta; meta once more by its trim"


async def test_timer_that_a_call_sets_is_due_in_a_later_one_and_asked_for_then_alone(fresh_redis: Redis) -> None:
    backend = await open_anna(fresh_redis)
    held = await commands_of(fresh_redis, backend, text(4, charge_on="sent"))
    idle = await commands_of(fresh_redis, backend, text(5, charge_on="submit", at=NOW + 59_000))
    made = len(backend.entries)
    late = await commands_of(fresh_redis, backend, text(6, charge_on="submit", at=NOW + 60_000))
    after = await commands_of(fresh_redis, backend, text(7, charge_on="submit", at=NOW + 60_001))
    assert (held["zadd"], held["zrange"]) == (1, 1)
    assert not {"zrange", "zrangebyscore"} & {*idle, *after}
    assert late["zrangebyscore"] == 1
    assert [entry.kind.value for entry in backend.entries[made:]] == ["expired", "debited", "debited"]
