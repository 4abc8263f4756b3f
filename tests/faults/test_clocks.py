"""Clocks of processes that are wrong, on Apache Kafka, whose log has the time. Leaves the machine's clock alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.end_to_end.messages import SPAIN, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import System
from tests.end_to_end.traffic import Totals
from tests.faults.run import Run

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.parametrize(
        "broker", [pytest.param("apache", marks=pytest.mark.kafka)], indirect=True, scope="session"
    ),
]

HOUR_MS = 3_600_000
STEP_SECONDS = 1.0


def shift(path: Path, milliseconds: int) -> None:
    """Set what a process adds to its clock, in one step: it may be reading."""
    new = path.with_suffix(".new")
    new.write_text(str(milliseconds))
    new.replace(path)


@pytest.mark.requirement("INF-01")
async def test_clocks_that_step_two_hours_ahead_and_back_under_traffic_leave_totals_exact(run: Run) -> None:
    system = run.system
    system.program = "tests.faults.program"
    clock = system.directory / "clock"
    shift(clock, 0)
    system.start_checkpointer(CLOCK_OFFSET=str(clock))
    system.start_worker(CLOCK_OFFSET=str(clock))
    await run.open_customers()

    async def step() -> None:
        for hours in (2, -2, 0):
            shift(clock, hours * HOUR_MS)
            await asyncio.sleep(STEP_SECONDS)

    await run.with_fault(step)


@pytest.mark.parametrize("hours", [2, -2])
async def test_hold_ends_when_the_log_says_so_whatever_the_clock_of_an_idle_worker_says(run: Run, hours: int) -> None:
    system = run.system
    system.program = "tests.faults.program"
    clock = system.directory / "clock"
    shift(clock, hours * HOUR_MS)
    system.start_checkpointer()
    system.start_worker(CLOCK_OFFSET=str(clock))
    await system.send_commands(opening("acme", 1_000_000, plan="brief-holds"))
    await system.send_commands(opening("patient", 1_000_000))
    await system.applied()
    await system.send([text("acme", "forgotten", SPAIN), text("patient", "held", SPAIN)])
    await system.reached(lambda: has_expired(system), "the hold of a second expired")
    await system.settled()

    evidence = await prove(system, {"acme": Totals(1_000_000), "patient": Totals(1_000_000, 50_000)})
    (expired,) = [entry for entry in evidence.all_entries if entry["kind"] == "expired"]
    (reserved,) = evidence.entries_of("forgotten")
    assert expired["due_at_ms"] == reserved["applied_at_ms"] + 1_000
    assert expired["due_at_ms"] <= expired["applied_at_ms"] < expired["due_at_ms"] + HOUR_MS


async def has_expired(system: System) -> bool:
    """Whether one of the two holds is open: the other customer's, of days."""
    statuses = [await system.status(bucket) for bucket in range(system.settings.kafka.partitions)]
    return sum(status.charges_held for status in statuses) == 1 and sum(status.seq for status in statuses) == 7
