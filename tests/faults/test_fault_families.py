"""One fault of each family over a running stream, on three brokers. Leaves all of them, for long, to `make soak`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from metering.drill.schedule import Schedule
from tests.faults.soak.run import Soak

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

FAMILIES = {
    "worker",
    "zombie",
    "rebalance",
    "checkpointer",
    "clock",
    "broker",
    "network",
    "producer",
    "redis",
    "postgres",
}


@pytest.mark.requirement("INF-01")
@pytest.mark.requirement("INF-05")
async def test_one_fault_of_each_family_under_traffic_loses_doubles_and_overspends_nothing(
    seed: int, tmp_path: Path
) -> None:
    async def one_of_each(schedule: Schedule) -> None:
        await schedule.run_each(families=True)

    report = await Soak(tmp_path, seed, minutes=0, per_second=60).run(one_of_each)
    sys.stdout.write(report.as_text())
    assert {one.family for one in report.injected} == FAMILIES
    assert report.is_exact
    assert report.replay_entries == report.verdict.entries
