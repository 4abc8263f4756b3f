"""Reading is held back while a bucket has enough, and goes on when it has less. Leaves rebalances to `tests/faults`."""

from __future__ import annotations

import asyncio

import pytest

from metering.contracts.partitioning import partition_of
from metering.settings import WorkerSettings
from metering.worker import intake
from metering.worker.service import WorkerService
from tests.end_to_end.evidence import collect
from tests.end_to_end.messages import AMERICA, command, opening, text
from tests.end_to_end.system import PARTITIONS, System
from tests.end_to_end.traffic import Totals
from tests.end_to_end.verifier import check_all

BUFFERED_MAX = 200
READ_MAX = 400
EVENTS = 2_000


@pytest.mark.requirement("PL-35")
async def test_redis_that_does_not_answer_holds_reading_back_and_never_grows_the_queue(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "RECORDS_READ_MAX", READ_MAX)
    settings = system.settings.with_section(
        worker=WorkerSettings(chunk_events_max=100, buffered_events_max=BUFFERED_MAX, probe_seconds=0.5)
    )
    worker = WorkerService(settings)
    await worker.start()
    try:
        system.start_checkpointer()
        await system.send_commands(opening("acme", 1_000_000_000))
        await system.settled()
        assert worker.intake is not None
        bucket = worker.intake.buckets[partition_of("acme", PARTITIONS)]
        await system.redis.client_pause(3_000)
        await system.send([text("acme", f"t-{n}", AMERICA) for n in range(EVENTS)])
        most = 0
        for _ in range(20):
            most = max(most, bucket.queue.waiting("usage"))
            await asyncio.sleep(0.05)
        assert BUFFERED_MAX < most <= BUFFERED_MAX + READ_MAX
        await system.settled()
        assert len(bucket.queue) == 0
    finally:
        await worker.stop()
    check_all(await collect(system), {"acme": Totals(1_000_000_000 - EVENTS * 10_000)})


async def test_full_queue_of_one_topic_does_not_hold_the_other_back(system: System, worker: WorkerService) -> None:
    system.start_checkpointer()
    await worker.start()
    await system.send_commands(opening("acme", 1_000_000_000))
    await system.settled()
    await system.redis.client_pause(1_500)
    await system.send([text("acme", f"t-{n}", AMERICA) for n in range(800)])
    await system.send_commands([command("acme", "later", "top_up", amount_micros=5, unit="USD")])
    await system.settled()
    evidence = await collect(system)
    check_all(evidence, {"acme": Totals(1_000_000_005 - 800 * 10_000)})
    (later,) = evidence.entries_of("later")
    assert later["seq"] == len(evidence.entries[later["bucket"]])
