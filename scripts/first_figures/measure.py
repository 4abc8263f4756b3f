"""First figures: events a second end to end, on both brokers, beside a Faust agent that does the same work.

`python scripts/first_figures/measure.py [--events N] [--customers N] [--brokers tansu,apache]` starts its own stack,
puts a backlog of `sms.submitted` into the usage topic, lets each contender work it off, checks that every event has
exactly one entry, and prints one Markdown table. CPU is that of the processes, from /proc: on a shared machine that
is the steadier figure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from metering.checkpoint.schema import migrate
from metering.contracts.partitioning import partition_of
from metering.embedded.stack import Stack
from metering.settings import KafkaSettings
from metering.worker.topics import create_topics

PARTITIONS = 8
QUIET_SECONDS_MAX = 60.0
FAUST_SHARE = 10
"""The agent gets a tenth of the events: enough seconds to measure, without waiting for the rest."""


class Contender:
    """One child process and what it has cost."""

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path) -> None:
        self._log = log.open("w")
        self.process = subprocess.Popen(arguments, env=environment, stdout=self._log, stderr=self._log)  # noqa: S603

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process and its children so far."""
        return _cpu_seconds(self.process.pid)

    def stop(self) -> None:
        """End it, gently first."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._log.close()


def _cpu_seconds(pid: int | None) -> float:
    if pid is None:
        return 0.0
    try:
        root = psutil.Process(pid)
        return sum(p.cpu_times().user + p.cpu_times().system for p in [root, *root.children(recursive=True)])
    except psutil.NoSuchProcess:
        return 0.0


def _event(number: int, customers: int, prefix: str) -> tuple[str, bytes]:
    customer = f"customer-{number % customers}"
    data: dict[str, Any] = {
        "customer": customer,
        "to": f"+4477009{number % 100_000:05d}",
        "sender": f"+4420794600{number % 50:02d}",
        "text": "Your parcel is on its way.",
    }
    event = {
        "specversion": "1.0",
        "id": f"{prefix}-{number}",
        "source": "/first-figures",
        "type": "sms.submitted",
        "time": datetime.now(UTC).isoformat(),
        "data": data,
    }
    return customer, msgspec.json.encode(event)


async def _publish(bootstrap: str, topic: str, records: list[tuple[str, bytes]]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_batch_size=512 * 1024)
    await producer.start()
    grouped: dict[int, list[tuple[str, bytes]]] = {}
    for customer, value in records:
        grouped.setdefault(partition_of(customer, PARTITIONS), []).append((customer, value))
    deliveries = []
    for partition, group in grouped.items():
        batch = producer.create_batch()
        for customer, value in group:
            if batch.append(key=customer.encode(), value=value, timestamp=None) is None:
                deliveries.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                batch.append(key=customer.encode(), value=value, timestamp=None)
        deliveries.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*deliveries)
    await producer.stop()


class Counted:
    """Counts ledger entries of usage events as they become readable, each event once."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._prefix = prefix
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=20,
        )
        self.entries = 0
        self.events: set[str] = set()

    async def start(self) -> None:
        """Read every bucket from its end."""
        await self._consumer.start()
        partitions = [TopicPartition("ledger", number) for number in range(PARTITIONS)]
        self._consumer.assign(partitions)
        await self._consumer.seek_to_end(*partitions)
        for partition in partitions:
            await self._consumer.position(partition)

    async def until(self, wanted: int, process: subprocess.Popen[bytes] | None) -> tuple[float, float]:
        """Return when the first and the last of `wanted` entries were read (monotonic seconds)."""
        first = last = time.monotonic()
        started = False
        while self.entries < wanted:
            read = await self._consumer.getmany(timeout_ms=50)
            now = time.monotonic()
            if read and not started:
                first, started = now, True
            for records in read.values():
                last = now
                found = [name for record in records if (name := _identity(record.value)).startswith(self._prefix)]
                self.entries += len(found)
                self.events.update(found)
            if now - last > QUIET_SECONDS_MAX or (process is not None and process.poll() is not None):
                raise SystemExit(f"only {self.entries} of {wanted} entries came")
        return first, last

    async def stop(self) -> None:
        """Close the reader."""
        await self._consumer.stop()


def _identity(value: bytes) -> str:
    entry = json.loads(value)
    reference = entry.get("event") or entry.get("command") or {}
    return str(reference.get("id"))


async def _measure(
    name: str, arguments: list[str], stack: Stack, environment: dict[str, str], events: int, customers: int
) -> str:
    log = Path(os.environ.get("TMPDIR", "/tmp")) / f"first-figures-{name.replace(' ', '-')}.log"  # noqa: S108
    counted = Counted(stack.kafka_bootstrap, name)
    await counted.start()
    await _publish(stack.kafka_bootstrap, "usage", [_event(number, customers, name) for number in range(events)])
    servers = (stack.valkey.pid, stack.broker.pid)
    contender = Contender(arguments, environment, log)
    try:
        first, last = await counted.until(1, contender.process)
        before = (contender.cpu_seconds(), *[_cpu_seconds(pid) for pid in servers])
        skipped = counted.entries
        _, last = await counted.until(events, contender.process)
        after = (contender.cpu_seconds(), *[_cpu_seconds(pid) for pid in servers])
    finally:
        contender.stop()
        await counted.stop()
    exact = "yes" if counted.entries == len(counted.events) == events else "NO"
    measured = events - skipped
    cpu = [f"{(b - a) * 1e6 / measured:.1f}" for a, b in zip(before, after, strict=True)]
    rate = measured / (last - first)
    return f"| {name} | {events:,} | {rate:,.0f} | {cpu[0]} | {cpu[1]} | {cpu[2]} | {exact} |"


async def _run(broker: str, events: int, customers: int) -> None:
    """Print a row for each contender. The agent is first: it would have to read past all that a worker had done."""
    async with Stack(broker=broker) as stack:  # type: ignore[arg-type]
        await create_topics(KafkaSettings(bootstrap=stack.kafka_bootstrap, partitions=PARTITIONS))
        await migrate(stack.postgres_dsn)
        environment = {**os.environ, **stack.endpoints.settings(), "METERING_METRICS__PORT": "0"}
        worker = [sys.executable, "-m", "metering.cli", "worker"]
        await _open(stack, environment, worker, customers)
        agent = [sys.executable, str(Path(__file__).parent / "faust_agent.py")]
        few = events // FAUST_SHARE
        print(await _measure(f"Faust agent on {broker}", agent, stack, environment, few, customers), flush=True)
        print(await _measure(f"worker on {broker}", worker, stack, environment, events, customers), flush=True)


async def _open(stack: Stack, environment: dict[str, str], worker: list[str], customers: int) -> None:
    """Open the customers with plenty of credit, through a worker."""
    records = []
    for number in range(customers):
        customer = f"customer-{number}"
        common = {"customer": customer, "actor": "first-figures"}
        records.append((customer, msgspec.json.encode({"id": f"open-{number}", "type": "open_customer", **common})))
        credit = {"id": f"credit-{number}", "type": "top_up", "amount_micros": 10**12, "unit": "USD", **common}
        records.append((customer, msgspec.json.encode(credit)))
    counted = Counted(stack.kafka_bootstrap, "")
    await counted.start()
    await _publish(stack.kafka_bootstrap, "commands", records)
    opener = Contender(worker, environment, Path("/dev/null"))
    try:
        await counted.until(2 * customers, opener.process)
    finally:
        opener.stop()
        await counted.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--customers", type=int, default=1_000)
    parser.add_argument("--brokers", default="tansu,apache")
    arguments = parser.parse_args()
    print("| contender | events | events/s | worker µs CPU | Valkey µs CPU | broker µs CPU | each event once |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for broker in arguments.brokers.split(","):
        asyncio.run(_run(broker, arguments.events, arguments.customers))


if __name__ == "__main__":
    main()
