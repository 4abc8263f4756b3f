"""The order of faults is the seed's. Leaves what faults do to `tests/faults`."""

from __future__ import annotations

import random

import pytest

from metering.drill.schedule import Fault, Schedule


def make_schedule(seed: int, done: list[str]) -> Schedule:
    def fault(family: str, name: str) -> Fault:
        async def inject(rng: random.Random) -> float | None:
            done.append(f"{name} {rng.random()}")
            return 1.5 if family == "worker" else None

        return Fault(family, name, inject)

    faults = [fault("worker", "killed"), fault("worker", "stopped"), fault("redis", "flushed")]
    return Schedule(faults, seed, (0.0, 0.001))


async def test_same_seed_gives_the_same_faults_in_the_same_order_with_the_same_choices() -> None:
    first: list[str] = []
    second: list[str] = []
    await make_schedule(7, first).run_each()
    await make_schedule(7, second).run_each()
    assert first == second
    assert len(first) == 3


async def test_one_of_each_family_is_injected_when_that_is_asked() -> None:
    done: list[str] = []
    schedule = make_schedule(1, done)
    await schedule.run_each(families=True)
    assert sorted(one.family for one in schedule.injected) == ["redis", "worker"]


async def test_one_fault_is_injected_as_often_as_asked() -> None:
    done: list[str] = []
    schedule = make_schedule(2, done)
    await schedule.repeat("worker", "stopped", times=3)
    assert schedule.counts() == {"worker/stopped": 3}
    assert schedule.recoveries() == [1.5] * 3
    assert len(done) == 3


async def test_a_time_is_filled_with_all_faults_again_and_again_and_counted() -> None:
    schedule = make_schedule(3, [])
    await schedule.run_for(0.2)
    assert set(schedule.counts()) == {"redis/flushed", "worker/killed", "worker/stopped"}
    assert sum(schedule.counts().values()) == len(schedule.injected)
    assert set(schedule.recoveries()) == {1.5}


async def test_fault_that_fails_ends_the_schedule() -> None:
    async def inject(_: random.Random) -> float | None:
        raise RuntimeError("it could not be mended")

    with pytest.raises(RuntimeError, match="mended"):
        await Schedule([Fault("x", "y", inject)], 1, (0.0, 0.0)).run_each()
