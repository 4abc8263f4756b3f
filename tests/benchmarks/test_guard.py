"""The regression guard in CI: within the limit of the reference, and a slowdown by half is found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from metering.ledger.inputs import ChunkBuilder
from metering.worker import telling
from tests.benchmarks import guard, ledger, worker
from tests.benchmarks.plain_work import LUA_RECORDS, RECORDS, do_plain_work, lua_record_seconds

pytestmark = pytest.mark.timeout(300)  # up to 100 seconds of CPU each, on a machine that may have none to spare

HALF = 0.5


Measure = Callable[[Redis], Awaitable[guard.Figures]]


async def measured_twice(measure: Measure, redis: Redis) -> guard.Figures:
    """Return the lesser of each figure of two measurements: others on the machine may have had a burst."""
    first, second = await measure(redis), await measure(redis)
    return {name: min(figure, second[name]) for name, figure in first.items()}


async def test_event_costs_no_more_than_the_reference_allows(fresh_redis: Redis) -> None:
    measured = await guard.measure(fresh_redis)
    if guard.regressions(measured, guard.stored_reference()):
        measured = await measured_twice(guard.measure, fresh_redis)

    assert [] == guard.regressions(measured, guard.stored_reference()), (
        "dearer than before; if it is meant to be: python -m tests.benchmarks.guard --renew"
    )


async def test_ledger_slower_by_half_is_found(fresh_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = await measured_twice(guard.measure_ledger, fresh_redis)
    apply = ledger.Bench.apply

    async def apply_slowly(self: ledger.Bench, builder: ChunkBuilder, usage: int) -> None:
        await apply(self, builder, usage)
        if usage:
            for _ in range(int(HALF * max(usual.values()) / 100 * usage / LUA_RECORDS) + 1):
                await lua_record_seconds(self.redis)

    monkeypatch.setattr(ledger.Bench, "apply", apply_slowly)
    slowed = await measured_twice(guard.measure_ledger, fresh_redis)

    assert len(guard.regressions(slowed, usual)) == len(usual)


async def test_worker_slower_by_half_is_found(fresh_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = await measured_twice(guard.measure_worker, fresh_redis)
    tell = telling.tell_results

    def tell_slowly(*arguments: Any) -> Any:
        told = tell(*arguments)
        for _ in range(int(HALF * max(usual.values()) / 100 * len(told.values) / RECORDS) + 1):
            do_plain_work()
        return told

    monkeypatch.setattr(worker, "tell_results", tell_slowly)
    slowed = await measured_twice(guard.measure_worker, fresh_redis)

    assert len(guard.regressions(slowed, usual)) == len(usual)


def test_figure_at_the_limit_passes_and_one_beyond_is_told() -> None:
    reference = {"a": 100.0, "b": 100.0}

    found = guard.regressions({"a": 130.0, "b": 131.0}, reference)

    assert found == ["b: an event comes to 131, the reference is 100 (limit 1.3 times that)"]
