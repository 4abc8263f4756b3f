"""What a soak's report calls missed. Leaves what it counts to the soak."""

from __future__ import annotations

import pytest

from tests.faults.soak.judge import Verdict
from tests.faults.soak.report import MemoryReport, Report


def make_report(*, minutes: float = 10, recoveries: list[float], warm_mb: float = 100, end_mb: float = 100) -> Report:
    return Report(
        seed=1,
        minutes=minutes,
        per_second=100,
        verdict=Verdict(),
        faults={},
        injected=[],
        recoveries=recoveries,
        redis_away_seconds=0,
        memory=MemoryReport(warm_mb=warm_mb, end_mb=end_mb),
        settled_seconds=1,
        replay_entries=1,
        replay_differing=0,
        replay_differences=[],
        reconcile_drift=0,
        ended=[],
    )


@pytest.mark.parametrize(
    ("report", "missed"),
    [
        (make_report(recoveries=[1, 2, 10, 50, 60]), 0),
        (make_report(recoveries=[1, 2, 10.1, 50, 60]), 1),
        (make_report(recoveries=[60, 60, 60, 60]), 0),
        (make_report(recoveries=[], minutes=60, end_mb=109), 0),
        (make_report(recoveries=[], minutes=60, end_mb=112), 1),
        (make_report(recoveries=[], minutes=10, end_mb=112), 0),
        (make_report(recoveries=[11] * 5, minutes=60, warm_mb=112), 2),
    ],
)
def test_report_tells_of_a_median_above_ten_seconds_and_of_memory_that_is_not_flat(report: Report, missed: int) -> None:
    assert report.is_exact
    assert len(report.misses) == missed
    assert report.as_text().count("MISSED") == missed
