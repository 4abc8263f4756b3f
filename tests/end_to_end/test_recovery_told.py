"""A recovery is told when it starts, and what it was when it ends. Leaves recovering to the tests of the protocol."""

from __future__ import annotations

import json
import time
from typing import Any

from metering.contracts.partitioning import partition_of
from tests.end_to_end.messages import AMERICA, opening, text
from tests.end_to_end.observed import metric
from tests.end_to_end.system import PARTITIONS, System
from tests.stack.brokers import ON_TANSU


@ON_TANSU
async def test_recovery_tells_start_cause_duration_and_what_was_restored(system: System) -> None:
    bucket = partition_of("acme", PARTITIONS)
    checkpointer = system.start_checkpointer()
    system.start_worker()
    await system.send_commands(opening("acme", 1_000_000))
    await system.send([text("acme", f"t-{n}", AMERICA) for n in range(20)])
    await system.settled()
    assert metric(system, f'metering_recovery_started_seconds{{bucket="{bucket}"}}') == 0
    restored_before = metric(system, "metering_recovery_records_total")

    # Without books the restore cannot end: what is told of it meanwhile is told by its start.
    system.kill(checkpointer)
    before_seconds = time.time()
    await system.send([text("acme", "ahead", AMERICA)])
    await system.applied()
    await system.redis.flushall()

    async def is_restoring() -> bool:
        return metric(system, f'metering_bucket_state{{bucket="{bucket}",state="restoring"}}') == 1

    await system.reached(is_restoring, "the restore has started")
    events = [line for line in logged(system) if line.get("bucket") == bucket]
    starts = [(line["event"], line["cause"]) for line in events if line["event"].endswith("_started")]
    claim = starts.index(("bucket_claim_started", "lost"))
    # The books are asked again every few seconds, and that is told each time.
    assert set(starts[claim + 1 :]) == {("bucket_restore_started", "lost")}
    assert [line["ledger_seq"] for line in events if line["event"] == "bucket_restore_started"][-1] == 23
    since = metric(system, f'metering_recovery_started_seconds{{bucket="{bucket}"}}')
    assert since >= before_seconds - 1
    assert not [line for line in events if line["event"] == "bucket_claimed" and line["cause"] == "lost"]

    system.start_checkpointer()
    await system.settled()
    ended = [line for line in logged(system) if line["event"] == "bucket_claimed" and line["bucket"] == bucket][-1]
    assert (ended["cause"], ended["how"], ended["seq"]) == ("lost", "restored", 23)
    assert ended["records_restored"] > 20
    assert ended["seconds"] > 0
    restored = [line for line in logged(system) if line["event"] == "bucket_restored" and line["bucket"] == bucket][-1]
    assert (restored["wallets"], restored["ids"], restored["seq"]) == (1, 21, 23)
    assert restored["records"] == ended["records_restored"]
    assert metric(system, "metering_recovery_records_total") >= restored_before + ended["records_restored"]
    assert metric(system, f'metering_recovery_started_seconds{{bucket="{bucket}"}}') == 0
    assert metric(system, 'metering_recoveries_total{cause="lost",how="restored"}') >= 1


def logged(system: System) -> list[dict[str, Any]]:
    """What the first worker has logged."""
    lines = min(system.directory.glob("worker-*.log")).read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]
