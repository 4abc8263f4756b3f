"""Redis is away while usage comes in: what a worker holds of it is bounded. Leaves five minutes of that to the soak."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from metering.embedded.process import Process
from metering.settings import WorkerSettings
from metering.worker.kafka import PARTITION_FETCH_BYTES_MAX
from tests.end_to_end.messages import event, opening
from tests.end_to_end.metrics import metrics_of, sum_of
from tests.end_to_end.proof import prove
from tests.end_to_end.system import PARTITIONS, System
from tests.end_to_end.traffic import Totals
from tests.stack.brokers import ON_TANSU
from tests.stack.fresh import FreshStack

pytestmark = [
    pytest.mark.timeout(240),
    ON_TANSU,
]

MEGABYTE = 1024 * 1024
BUFFERED_BYTES_MAX = 8 * MEGABYTE
EVENTS, EVENT_BYTES = 1_200, 64 * 1024
"""75 MB: nine times what may wait, and fewer events than may."""
GROWTH_BYTES_MAX = BUFFERED_BYTES_MAX + PARTITIONS * 2 * PARTITION_FETCH_BYTES_MAX + 12 * MEGABYTE
"""What waits, for each partition one fetch handed over last and one in the client, and what the allocator keeps."""

STILL_SAMPLES = 20
SAMPLE_SECONDS = 0.1


@pytest_asyncio.fixture
async def system(stack: FreshStack, tmp_path: Path) -> AsyncIterator[System]:
    worker = WorkerSettings(buffered_bytes_max=BUFFERED_BYTES_MAX, probe_seconds=0.5)
    async with System.on(stack, tmp_path, worker=worker) as one:
        yield one


@pytest.mark.requirement("PL-35")
async def test_worker_whose_redis_is_away_under_load_stays_within_its_bound_and_loses_nothing(system: System) -> None:
    names = [f"customer-{number}" for number in range(12)]
    system.start_checkpointer()
    worker = system.start_worker()
    await system.send_commands([record for name in names for record in opening(name, 1_000_000)])
    await system.settled()
    before = memory_of(worker)

    await system.stack.valkey.kill()
    note = "x" * EVENT_BYTES
    await system.send(
        event(names[number % 12], f"large-{number}", "usage.recorded", amount_micros=1, note=note)
        for number in range(EVENTS)
    )
    most, still, buffered = before, 0, -1.0
    while still < STILL_SAMPLES:
        await asyncio.sleep(SAMPLE_SECONDS)
        most = max(most, memory_of(worker))
        known, buffered = buffered, sum_of(metrics_of(worker), "metering_buffered_inputs")
        still = still + 1 if buffered == known > 0 else 0
    sys.stdout.write(f"{(most - before) / MEGABYTE:.0f} MB more, {buffered:.0f} records wait\n")
    assert buffered < EVENTS / 2
    assert most - before < GROWTH_BYTES_MAX

    await system.stack.valkey.start()
    await system.settled(90.0)
    await prove(system, dict.fromkeys(names, Totals(1_000_000 - EVENTS // 12)))


def memory_of(process: Process) -> int:
    return int(psutil.Process(process.pid).memory_info().rss)
