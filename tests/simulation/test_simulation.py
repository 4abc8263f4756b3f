"""Random schedules of the real bucket loop and the real scripts, all faults at once, in virtual time.

The long mode: `make simulate SEEDS=…`, or the slow test here.
"""

from __future__ import annotations

import os

import pytest

from tests.simulation.schedule import FAULTS, draw
from tests.simulation.shrink import failure_of, shrink, told
from tests.simulation.world import run

SEEDS = 400
SEEDS_LONG = int(os.environ.get("SEEDS", "10000"))
PARTS = 4


def check(first: int, count: int) -> None:
    """Run schedules; the first that fails is told shortened, with its seed."""
    for seed in range(first, first + count):
        problem = failure_of(draw(seed))
        if problem is not None:
            shorter = shrink(draw(seed))
            pytest.fail(f"seed {seed}: {problem}\nshortened ({failure_of(shorter)}):\n{told(shorter)}")


@pytest.mark.requirement("INF-01")
@pytest.mark.requirement("INF-02")
@pytest.mark.parametrize("part", range(PARTS))
def test_every_schedule_keeps_every_promise(part: int) -> None:
    check(part * SEEDS // PARTS, SEEDS // PARTS)


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_every_schedule_of_many_keeps_every_promise() -> None:
    check(100_000, SEEDS_LONG)


def test_redis_gone_back_past_a_dead_letter_alone_is_noticed_without_traffic() -> None:
    """It was not: no entry shows it, and `probe` asked for the head only. The letter is written twice, as it may be."""
    assert failure_of(draw(101_239)) is None


def test_a_seed_always_gives_the_same_run() -> None:
    for seed in (3, 125, 741):
        first, second = run(draw(seed)), run(draw(seed))
        assert (first.steps, first.seconds) == (second.steps, second.seconds)
        for partition, log in first.servers.broker.logs.items():
            assert [one.record for one in log.stored] == [
                one.record for one in second.servers.broker.log(partition).stored
            ]


def test_schedules_hold_every_kind_of_trouble() -> None:
    faults: set[str] = set()
    chances: set[str] = set()
    for seed in range(300):
        schedule = draw(seed)
        faults |= {getattr(action, "fault", "sending") for action in schedule.actions}
        chances |= {server for server, _ in schedule.chances}
    assert faults == {*FAULTS, "sending"}
    assert chances == {"redis", "kafka", "postgres"}
