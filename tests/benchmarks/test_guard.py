"""The regression guard in CI: within the limit of the reference, and a slowdown by half is found."""

from __future__ import annotations

import math
from functools import partial

import pytest
from redis.asyncio import Redis

from metering.ledger.inputs import ChunkBuilder
from tests.benchmarks import guard, ledger, worker
from tests.benchmarks.plain_work import RECORDS, do_plain_work, lua_record_seconds

pytestmark = pytest.mark.timeout(900)  # up to 200 seconds of CPU, on a machine that may have none to spare

HALF = 0.5


async def test_event_costs_no_more_than_the_reference_allows(fresh_redis: Redis) -> None:
    reference = guard.stored_reference()

    measured = await guard.measure(guard.ways(fresh_redis), reference)

    assert [] == guard.regressions(measured, reference), (
        "dearer than before; if it is meant to be: python -m tests.benchmarks.guard --renew"
    )


async def test_each_figure_dearer_by_half_is_found(fresh_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    ways, reference = guard.ways(fresh_redis), guard.stored_reference()
    usual = await guard.measure(ways, reference, attempts=2)
    apply, tell = ledger.Bench.apply, worker.Steps.tell

    async def measure_slowed(name: str) -> float:
        records = HALF * usual[name] / 100  # of plain work, an event

        async def apply_slowly(self: ledger.Bench, builder: ChunkBuilder, usage: int) -> None:
            await apply(self, builder, usage)
            if usage:
                await lua_record_seconds(self.redis, math.ceil(records * usage))

        def tell_slowly(self: worker.Steps) -> None:
            tell(self)
            for _ in range(math.ceil(records * guard.WORKER_EVENTS / RECORDS)):
                do_plain_work()

        monkeypatch.setattr(ledger.Bench, "apply", apply_slowly)
        monkeypatch.setattr(worker.Steps, "tell", tell_slowly)
        return await ways[name]()

    # On a machine that is better at this than the one of the reference, half more than it usually takes is meant.
    least = {name: min(figure, reference[name]) for name, figure in usual.items()}
    slowed = await guard.measure({name: partial(measure_slowed, name) for name in ways}, least, attempts=2)

    assert len(guard.regressions(slowed, least)) == len(ways)


def test_figure_at_the_limit_passes_and_one_beyond_is_told() -> None:
    reference = {"a": 100.0, "b": 100.0}

    found = guard.regressions({"a": 145.0, "b": 146.0}, reference)

    assert found == ["b: an event comes to 146, the reference is 100 (limit 1.45 times that)"]


async def test_figure_beyond_the_limit_is_measured_again_and_its_least_is_told() -> None:
    answers = {"a": [150.0, 120.0, 90.0], "b": [100.0, 80.0], "c": [190.0, 170.0, 180.0]}

    async def answer(name: str) -> float:
        return answers[name].pop(0)

    ways = {name: partial(answer, name) for name in answers}
    measured = await guard.measure(ways, dict.fromkeys(answers, 100.0), attempts=3)

    assert measured == {"a": 120.0, "b": 100.0, "c": 170.0}
