"""Cycles, number fees, expiries and windows fall due exactly once and in order, whatever becomes of the workers.

The log is written first, stamped through the last hundred days: what falls due in between falls due while it is read.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from metering.contracts.partitioning import partition_of
from metering.settings import WorkerSettings
from tests.end_to_end.messages import SPAIN, command, text
from tests.end_to_end.metrics import count_logged
from tests.end_to_end.proof import prove
from tests.end_to_end.system import PARTITIONS, Record, System
from tests.ledger_model.anniversaries import month_at
from tests.ledger_model.state import Customer
from tests.stack.fresh import FreshStack

DAY_MS = 86_400_000
DAYS = 100
CUSTOMERS = [f"customer-{n}" for n in range(24)]
SPREAD_SECONDS = 1.0
"""Until a change of a topic's settings has come to the broker that writes it."""
CHUNKS = {False: 1, True: 4}
"""Inputs of a chunk, without and with transactions: so few that much of the log is still to be read whenever a worker
comes or goes."""


@pytest_asyncio.fixture
async def system(stack: FreshStack, tmp_path: Path) -> AsyncIterator[System]:
    """Topics and schema on each broker in turn, and workers that take a few inputs at a time."""
    few = CHUNKS[stack.has_transactions]
    worker = WorkerSettings(chunk_events_max=few, buffered_events_max=10 * few, probe_seconds=0.5)
    async with System.on(stack, tmp_path, worker=worker) as one:
        yield one


async def let_stamp(system: System, who: str) -> None:
    """Let a broker that can stamp records itself take the stamps of their producers (`CreateTime`), or its own again.

    No worker starts on topics that producers stamp: it is over before any does.
    """
    if not system.stack.has_transactions:
        return
    admin = AIOKafkaAdminClient(bootstrap_servers=system.settings.kafka.bootstrap)
    await admin.start()
    names = [system.topic(name) for name in ("usage", "commands")]
    # By their stamps these records are long past any retention.
    configs = {"message.timestamp.type": who, "cleanup.policy": "delete", "retention.ms": "-1"}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs) for name in names])
    await admin.close()
    await asyncio.sleep(SPREAD_SECONDS)


def opening_of(customer: str, now_ms: int) -> list[Record]:
    """A customer with a plan, a number, credit that lapses after ten days, and a limit of 0.10 a day."""
    paid = {"unit": "USD", "amount_micros": 7_000_000}
    return [
        command(customer, "open", "open_customer", plan="monthly-credit"),
        command(customer, "credit", "top_up", **paid, expires_at_ms=now_ms + 10 * DAY_MS),
        command(customer, "number", "add_number", number="+12015550100"),
        command(customer, "limit", "put_limit", level="customer", name="all", window="day", cap_micros=100_000),
    ]


def stamped(record: Record, at_ms: int) -> Record:
    """The same event, of that moment."""
    customer, value = record
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
    return customer, json.dumps(json.loads(value) | {"time": moment}).encode()


async def write(system: System, topic: str, records: list[Record], at_ms: int) -> None:
    """Write records to their customers' partitions with one stamp."""
    placed = [(partition_of(customer, PARTITIONS), customer, value) for customer, value in records]
    await system.send_to(placed, topic=topic, stamp_ms=at_ms)


async def write_log(system: System, first_day: int, last_day: int, start_ms: int) -> None:
    """Write those days of the log: a bit of credit each day, three texts on the first, of which two may go."""
    await let_stamp(system, "CreateTime")
    for day in range(first_day, last_day):
        at_ms = start_ms + day * DAY_MS
        if day == 0:
            await write(system, "commands", [one for name in CUSTOMERS for one in opening_of(name, at_ms)], at_ms)
            texts = [text(name, f"{name}-{n}", SPAIN, sender="ACME") for n in range(3) for name in CUSTOMERS]
            await write(system, "usage", [stamped(one, at_ms + 1_000) for one in texts], at_ms + 1_000)
        else:
            more = {"unit": "USD", "amount_micros": 1_000_000}
            await write(system, "commands", [command(n, f"day-{day}", "top_up", **more) for n in CUSTOMERS], at_ms)
    await let_stamp(system, "LogAppendTime")


async def make_days(system: System, start_ms: int) -> None:
    """Make the books' days by hand: a hundred of them within seconds is not what the checkpointer is for."""
    days = [start_ms + day * DAY_MS for day in range(DAYS + 3)]
    async with system.database.connection() as connection:
        await connection.execute("SELECT make_partition(day) FROM unnest($1::bigint[]) AS day", days)


def due_of(entries: list[dict[str, Any]]) -> dict[str, list[tuple[int, str, str | None]]]:
    """What fell due of each customer, in the ledger's order: when, what, why."""
    found: dict[str, list[tuple[int, str, str | None]]] = defaultdict(list)
    for entry in entries:
        if entry.get("due_at_ms") is not None:
            found[entry["customer"]].append((entry["due_at_ms"], entry["kind"], entry.get("reason")))
    return found


def expected_of(opened_ms: int, start_ms: int, until_ms: int) -> list[tuple[int, str, str | None]]:
    """What falls due of a customer opened then: each boundary once, lapse before grant before fee."""
    customer = Customer("", 1, "", "USD", "UTC", None, opened_ms, 1)
    midnight = opened_ms // DAY_MS * DAY_MS + DAY_MS
    due: list[tuple[int, str, str | None]] = [
        (opened_ms, "granted", None),
        (midnight, "unblocked", "limit_reached"),
        (opened_ms + 3 * DAY_MS, "expired", "hold"),
        (opened_ms + 3 * DAY_MS, "expired", "hold"),
        (start_ms + 10 * DAY_MS, "expired", "lot"),
    ]
    months = 1
    while (at_ms := month_at(customer, months)) <= until_ms:
        due += [(at_ms, "expired", "lot"), (at_ms, "granted", None), (at_ms, "number_fee", None)]
        months += 1
    return sorted(due, key=lambda one: one[0])


def without_holds(due: list[tuple[int, str, str | None]]) -> list[tuple[int, str, str | None]]:
    """All but the deadlines of the texts whose outcome never came: those are of other tests."""
    return [one for one in due if one[2] != "hold"]


@pytest.mark.timeout(300)
@pytest.mark.requirement("PL-05")
@pytest.mark.requirement("PL-42")
@pytest.mark.requirement("PL-59")
async def test_boundaries_come_once_and_in_order_while_workers_come_go_and_die_and_after_all_were_away(
    system: System,
) -> None:
    start_ms = time.time_ns() // 1_000_000 - DAYS * DAY_MS
    await make_days(system, start_ms)
    await write_log(system, 0, 60, start_ms)
    system.start_checkpointer()
    first = system.start_worker()
    await system.reached(lambda: count_logged(first, "bucket_claimed"), "the first worker runs")
    second = system.start_worker()
    await system.reached(lambda: count_logged(second, "bucket_claimed"), "the second worker runs")
    system.kill(first)
    third = system.start_worker()
    await system.reached(lambda: count_logged(third, "bucket_claimed"), "the third worker runs")
    assert await system.stop(second) == 0
    await system.applied(0.8)
    system.kill(third)
    await write_log(system, 60, DAYS, start_ms)
    system.start_worker()
    await system.applied()
    await system.settled()

    async def is_at_present() -> bool:
        statuses = [await system.status(bucket) for bucket in range(PARTITIONS)]
        return all(status.clock_ms > start_ms + 99 * DAY_MS for status in statuses)

    await system.reached(is_at_present, "the clocks have come to the last day")
    await system.settled()

    evidence = await prove(system)
    due = due_of(evidence.all_entries)
    opened = {e["customer"]: e["applied_at_ms"] for e in evidence.all_entries if e["kind"] == "opened"}
    clocks = {bucket: entries[-1]["applied_at_ms"] for bucket, entries in evidence.entries.items()}
    for customer in CUSTOMERS:
        until_ms = clocks[partition_of(customer, PARTITIONS)]
        expected = expected_of(opened[customer], start_ms, until_ms)
        assert without_holds(due[customer]) == without_holds(expected)
    assert sum(len(found) for found in due.values()) >= 10 * len(CUSTOMERS)
