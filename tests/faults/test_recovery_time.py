"""How soon decisions flow again after a worker's death, on three brokers. Leaves its steps to `test_kill_points`."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import pytest

from metering.drill.schedule import Schedule
from tests.faults.soak.report import RECOVERY_SECONDS_MAX
from tests.faults.soak.run import Soak

KILLS = 5


@pytest.mark.kafka
@pytest.mark.slow  # a minute and a half with nothing else on the machine; each soak holds its kills to the same
@pytest.mark.timeout(600)
@pytest.mark.requirement("INF-05")
async def test_decisions_flow_again_within_ten_seconds_of_a_workers_kill(seed: int, tmp_path: Path) -> None:
    async def kill_again_and_again(schedule: Schedule) -> None:
        await schedule.repeat("worker", "killed", KILLS)

    report = await Soak(tmp_path, seed, minutes=0, per_second=100).run(kill_again_and_again)
    sys.stdout.write(report.as_text())
    assert report.is_exact
    assert len(report.recoveries) == KILLS
    assert statistics.median(report.recoveries) <= RECOVERY_SECONDS_MAX
    assert report.misses == []
