"""What a process says of itself, on /metrics and in its log. Leaves what it should say to the tests."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path

from metering.embedded.process import Process

SECONDS_MAX = 30.0
"""For an answer: a process on a busy machine may be at something else."""


def metrics_of(process: Process) -> str:
    """Ask a process, by the address that it has logged."""
    return read_metrics(process._log_path)


def read_metrics(log: Path) -> str:
    """Ask the process that writes this log. Raises `OSError` where it has died."""
    served = re.search(r'"port": (\d+), "event": "status_served"', log.read_text(errors="replace"))
    assert served is not None, f"{log.name} names no address"
    with urllib.request.urlopen(f"http://127.0.0.1:{served[1]}/metrics", timeout=SECONDS_MAX) as answer:
        found: str = answer.read().decode()
    return found


def count_logged(process: Process, event: str) -> int:
    """How often a process has logged an event since it started; its last lines alone may be past it."""
    return process._log_path.read_text(errors="replace").count(f'"event": "{event}"')


def sum_of(metrics: str, name: str) -> float:
    """The sum of a metric over its labels."""
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", metrics, re.MULTILINE))
