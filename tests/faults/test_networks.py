"""The way between one process and one server is cut, then long. Leaves servers that fail to `test_servers_fail`."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.roads import Roads
from tests.faults.run import Run

pytestmark = pytest.mark.timeout(240)

CUT_SECONDS = 1.5
DELAY_SECONDS = 0.25
"""In each direction: half a second between a question and its answer."""
SLOW_SECONDS = 3.0


@pytest.mark.requirement("INF-01")
@pytest.mark.parametrize(
    ("broker", "process", "server"),
    [
        pytest.param("apache", "worker", "kafka", marks=pytest.mark.kafka),
        pytest.param("apache", "checkpointer", "kafka", marks=pytest.mark.kafka),
        ("tansu", "worker", "kafka"),
        ("tansu", "worker", "redis"),
        ("tansu", "worker", "postgres"),
        ("tansu", "checkpointer", "postgres"),
    ],
    indirect=["broker"],
    scope="session",
)
async def test_process_that_is_cut_off_from_a_server_and_then_far_from_it_leaves_totals_exact(
    run: Run, process: str, server: str
) -> None:
    system = run.system
    system.program = "tests.faults.program"
    async with Roads.built(system.stack) as roads:
        ways = {process: roads.variables}
        system.start_checkpointer(**ways.get("checkpointer", {}))
        system.start_worker(**ways.get("worker", {}))
        await run.open_customers()
        road = roads.to(server)

        async def cut_and_delay() -> None:
            road.cut()
            if process == "worker" and server == "postgres":
                await system.redis.flushall()  # else it has nothing to ask there
            await asyncio.sleep(CUT_SECONDS)
            road.mend()
            road.delay_seconds = DELAY_SECONDS
            await asyncio.sleep(SLOW_SECONDS)
            road.mend()

        await run.with_fault(cut_and_delay)
        assert road.joined > 0
