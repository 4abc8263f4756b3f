"""Records that are deleted before they were read: the bucket stops, names them, and goes on only when told to."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from metering.contracts.partitioning import partition_of
from metering.ledger.standstill import MissingRecords, Standstill, read_standstill
from tests.end_to_end.command_line import run, run_plain
from tests.end_to_end.messages import AMERICA, opening, text
from tests.end_to_end.metrics import count_logged
from tests.end_to_end.observed import metric
from tests.end_to_end.proof import prove
from tests.end_to_end.system import PARTITIONS, System
from tests.end_to_end.traffic import Totals

pytestmark = [
    pytest.mark.parametrize(
        "broker", [pytest.param("apache", marks=pytest.mark.kafka)], indirect=True, scope="session"
    ),
    pytest.mark.timeout(300),
]

BUCKET = partition_of("customer-0", PARTITIONS)
LETTING_GO = ("--accept-missing", "--actor", "ops", "--why", "retention was too short")


async def delete_before(system: System, offset: int) -> None:
    """Delete the records of the bucket's usage before an offset, as retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=system.settings.kafka.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(system.topic("usage"), BUCKET): RecordsToDelete(offset)})
    finally:
        await admin.close()


async def stands_for(system: System, first: int, after: int) -> Standstill:
    """Wait until the bucket stands still for want of these offsets."""
    missing = (MissingRecords("usage", first, after),)

    async def stands() -> bool:
        standing = await read_standstill(system.redis, BUCKET)
        return standing is not None and standing.missing == missing and standing.accepted is None

    await system.reached(stands, f"the bucket stops for {first} to {after - 1}")
    standing = await read_standstill(system.redis, BUCKET)
    assert standing is not None
    return standing


async def test_bucket_whose_unread_records_were_deleted_goes_on_only_when_an_operator_accepts_exactly_these(
    system: System,
) -> None:
    system.start_checkpointer()
    worker = system.start_worker()
    await system.send_commands([*opening("customer-0", 1_000_000), *opening("customer-1", 1_000_000)])
    await system.settled()
    assert await system.stop(worker) == 0
    await system.send([text("customer-0", f"t-{n}", AMERICA) for n in range(10)])
    await delete_before(system, 6)
    worker = system.start_worker()

    standing = await stands_for(system, 0, 6)
    assert standing.reason == "records_missing"
    assert "usage 0 to 5 (6)" in standing.why
    (stopped,) = [view for view in run(system, "bucket", "status", expected=1)["buckets"] if view["stopped"]]
    assert (stopped["bucket"], stopped["position"]["usage"]) == (BUCKET, 0)
    await system.send([text("customer-1", "meanwhile", AMERICA)])
    await system.settled(buckets={partition_of("customer-1", PARTITIONS)})

    # Told to go on and nothing else, it stops again; and what retention took meanwhile was not accepted.
    run_plain(system, "bucket", "resume", str(BUCKET))
    await system.reached(lambda: count_logged(worker, "bucket_stopped") == 2, "it stops again")
    await delete_before(system, 8)
    run_plain(system, "bucket", "resume", str(BUCKET), *LETTING_GO)
    await stands_for(system, 0, 8)
    run_plain(system, "bucket", "resume", str(BUCKET), *LETTING_GO)
    await system.settled()

    assert await read_standstill(system.redis, BUCKET) is None
    evidence = await prove(system, {"customer-0": Totals(1_000_000 - 2 * 10_000), "customer-1": Totals(990_000)})
    assert [bool(evidence.entries_of(f"t-{n}")) for n in range(10)] == [False] * 8 + [True] * 2
    (letter,) = run(system, "dead-letters", "list")["dead_letters"]
    assert (letter["key"], letter["reason"]) == (f"usage-{BUCKET}-0", "removed")
    assert "offsets 0 to 7 (8)" in letter["detail"]
    assert "ops let the bucket go on: retention was too short" in letter["detail"]
    # It is over: the next claim finds nothing missing.
    assert await system.stop(worker) == 0
    system.start_worker()
    await system.send([text("customer-0", "last", AMERICA)])
    await system.settled()


async def test_running_bucket_whose_next_record_was_deleted_does_not_jump_over_it(system: System) -> None:
    system.settings = system.settings.with_section(
        kafka=system.settings.kafka.model_copy(update={"session_timeout_ms": 30_000})
    )
    system.start_checkpointer()
    worker = system.start_worker()
    await system.send_commands(opening("customer-0", 1_000_000))
    await system.settled()

    os.kill(worker.pid, signal.SIGSTOP)
    # Longer than the fetch that is under way waits at the broker: its answer must not bring them.
    await asyncio.sleep(1.0)
    await system.send([text("customer-0", f"t-{n}", AMERICA) for n in range(5)])
    await delete_before(system, 4)
    os.kill(worker.pid, signal.SIGCONT)

    await stands_for(system, 0, 4)
    assert metric(system, 'metering_bucket_stops_total{reason="records_missing"}') == 1
    assert metric(system, 'metering_recoveries_total{cause="assigned",how="restored"}') == PARTITIONS
    run_plain(system, "bucket", "resume", str(BUCKET), *LETTING_GO)
    await system.settled()
    await prove(system, {"customer-0": Totals(990_000)})
