"""What the first worker of a test tells of itself. Leaves what it should say to the test."""

from __future__ import annotations

from tests.end_to_end.metrics import read_metrics
from tests.end_to_end.system import System


def metric(system: System, sample: str) -> float:
    """A sample of the first worker's metrics."""
    for line in read_metrics(min(system.directory.glob("worker-*.log"))).splitlines():
        if line.startswith(f"{sample} "):
            return float(line.rpartition(" ")[2])
    raise AssertionError(f"no {sample}")
