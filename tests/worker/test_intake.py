"""Reading is held back while a bucket has enough, and goes on when it has less. Leaves rebalances to `tests/faults`."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from metering.contracts.partitioning import partition_of
from metering.settings import WorkerSettings
from metering.worker import kafka
from metering.worker.service import WorkerService
from metering.worker.sharing import Shares
from tests.end_to_end.messages import AMERICA, command, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import PARTITIONS, System
from tests.end_to_end.traffic import Totals
from tests.waiting import samples_until_still, wait_until

BUFFERED_MAX = 200
"""An equal share."""
ALONE_MAX = 2 * BUFFERED_MAX
"""What a bucket may have where the others have nothing."""
FETCH_BYTES_MAX = 64 * 1024
FETCHED_MAX = 400
"""Events in so many bytes, and in a batch more."""
EVENTS = 2_000
CHUNK = 100
PAUSE_MS = 100_000
"""Of what writes, scripts included; it ends as soon as the test has seen what it brings about."""


@pytest.mark.requirement("PL-35")
async def test_redis_that_does_not_answer_holds_reading_back_and_never_grows_the_queue(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "PARTITION_FETCH_BYTES_MAX", FETCH_BYTES_MAX)
    settings = system.settings.with_section(
        worker=WorkerSettings(chunk_events_max=CHUNK, buffered_events_max=BUFFERED_MAX * PARTITIONS, probe_seconds=0.5)
    )
    worker = WorkerService(settings)
    await worker.start()
    try:
        system.start_checkpointer()
        await system.send_commands(opening("acme", 1_000_000_000))
        await system.settled()
        assert worker.intake is not None
        bucket = worker.intake.buckets[partition_of("acme", PARTITIONS)]
        await system.redis.client_pause(PAUSE_MS, all=False)
        await system.send([text("acme", f"t-{n}", AMERICA) for n in range(EVENTS)])
        waiting = await samples_until_still(lambda: bucket.queue.waiting("usage"), "reading is held back")
        # One chunk is with Redis, and one may be prepared behind it.
        assert ALONE_MAX - CHUNK < max(waiting) <= ALONE_MAX + FETCHED_MAX
        await system.redis.client_unpause()
        await system.settled()
        assert len(bucket.queue) == 0
    finally:
        await worker.stop()
    await prove(system, {"acme": Totals(1_000_000_000 - EVENTS * 10_000)})


async def test_bucket_of_which_most_is_left_is_the_hindmost(system: System) -> None:
    names = {partition_of(name, PARTITIONS): name for name in map("c-{}".format, range(50))}
    one, other = names[1], names[2]
    # More than is sent: of a topic that is held back nobody tells what comes.
    settings = system.settings.with_section(worker=WorkerSettings(chunk_events_max=CHUNK, probe_seconds=0.5))
    system.start_checkpointer()
    worker = WorkerService(settings)
    async with worker:
        await system.send_commands([record for name in (one, other) for record in opening(name, 1_000_000_000)])
        await system.settled()
        assert worker.intake is not None
        shares = worker.intake._shares
        await system.redis.client_pause(PAUSE_MS, all=False)
        for name, texts, hindmost in ((one, 300, 1), (other, 600, 2), (one, 900, 1)):
            await system.send([text(name, f"{name}-{texts}-{n}", AMERICA) for n in range(texts)])
            await wait_until(partial(_is_hindmost, shares, hindmost), f"bucket {hindmost} is the hindmost")
        await system.redis.client_unpause()
        await system.settled()
    sent = {one: 1_200, other: 600}
    await prove(system, {name: Totals(1_000_000_000 - texts * 10_000) for name, texts in sent.items()})


def _is_hindmost(shares: Shares, bucket: int) -> bool:
    return shares.hindmost == bucket


async def test_full_queue_of_one_topic_does_not_hold_the_other_back(system: System, worker: WorkerService) -> None:
    system.start_checkpointer()
    await worker.start()
    await system.send_commands(opening("acme", 1_000_000_000))
    await system.settled()
    await system.redis.client_pause(PAUSE_MS, all=False)
    await system.send([text("acme", f"t-{n}", AMERICA) for n in range(800)])
    await system.send_commands([command("acme", "later", "top_up", amount_micros=5, unit="USD")])
    assert worker.intake is not None
    queue = worker.intake.buckets[partition_of("acme", PARTITIONS)].queue
    await samples_until_still(lambda: len(queue), "reading is held back")
    await system.redis.client_unpause()
    await system.settled()
    evidence = await prove(system, {"acme": Totals(1_000_000_005 - 800 * 10_000)})
    (later,) = evidence.entries_of("later")
    assert later["seq"] == len(evidence.entries[later["bucket"]])


async def test_partitions_that_come_while_the_worker_stops_begin_no_bucket(
    system: System, worker: WorkerService
) -> None:
    await worker.start()
    intake = worker.intake
    assert intake is not None
    await wait_until(lambda: bool(intake.buckets) and all(b.live for b in intake.buckets.values()), "all run")
    partitions = intake._consumer.assignment()
    await intake.stop()
    await intake.on_partitions_assigned(partitions)  # as a rebalance does that began before
    assert not intake.buckets
    assert [] == [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("bucket-")]
