"""The whole system of one test: topics, schema, processes. Leaves traffic to the test."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self

from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis

from metering.checkpoint.database import Database
from metering.checkpoint.schema import migrate
from metering.contracts.entries import Position
from metering.contracts.partitioning import partition_of
from metering.embedded.process import Command, Process
from metering.errors import Retryable
from metering.ledger.connection import connect_redis
from metering.ledger.live import BucketReader, BucketStatus
from metering.ledger.standstill import read_standstill
from metering.settings import (
    CheckpointSettings,
    KafkaSettings,
    LogSettings,
    MetricsSettings,
    PostgresSettings,
    RatesSettings,
    RedisSettings,
    Settings,
    WorkerSettings,
)
from metering.worker.topics import create_topics
from tests.end_to_end.high_water import high_water_marks
from tests.end_to_end.metrics import read_metrics
from tests.stack.fresh import FreshStack
from tests.waiting import SETTLE_SECONDS_MAX, wait_until

RATES = Path(__file__).with_name("rates")
ROOT = Path(__file__).parents[2]
PARTITIONS = 4
LOG_SHOWN_MAX = 24_000
TELL_SECONDS = 1.0
PACE_SECONDS = 0.04

Record = tuple[str, bytes]
"""Customer (the key) and value."""


class System:
    """Metering on the servers of a test. Everything that it starts ends with it."""

    def __init__(self, stack: FreshStack, directory: Path, settings: Settings) -> None:
        self.stack = stack
        self.settings = settings
        self.directory = directory
        self.program = "metering.cli"
        """The module that workers and checkpointers run as; a fault test has one that can die at a step."""
        self.send_patience_ms = 40_000
        """A record that no broker has taken after this fails the test; order and number of what is sent stay exact."""
        self.processes: list[Process] = []
        self.ends: dict[str, dict[int, int]] = {"usage": {}, "commands": {}}
        """The offset after the last record of each partition: that this test sent, or that was found there later."""
        self.redis: Redis = connect_redis(settings.redis.url)
        self.database = Database(settings.postgres.dsn)
        self._producer: AIOKafkaProducer | None = None

    @classmethod
    @asynccontextmanager
    async def on(cls, stack: FreshStack, directory: Path, **sections: object) -> AsyncIterator[Self]:
        """Make topics and schema on `stack`; no process runs yet. `sections` replace sections of the settings."""
        system = cls(stack, directory, make_settings(stack).model_copy(update=sections))
        try:
            await create_topics(system.settings.kafka)
            await migrate(system.settings.postgres.dsn)
            yield system
        finally:
            await system.close()

    def topic(self, name: str) -> str:
        """A topic's full name."""
        return f"{self.settings.kafka.topic_prefix}{name}"

    def start_worker(self, **variables: str) -> Process:
        """Start one more worker."""
        return self._start("worker", variables)

    def start_checkpointer(self, **variables: str) -> Process:
        """Start one more checkpointer."""
        return self._start("checkpointer", variables)

    async def stop(self, process: Process, seconds_max: float = 30.0) -> int | None:
        """End a process as an operator would, and return its exit code."""
        await process.stop(signal.SIGTERM, seconds_max)
        self.processes.remove(process)
        return process.returncode

    def kill(self, process: Process) -> None:
        """End a process as a crash would."""
        process.kill()
        self.processes.remove(process)

    async def send(self, records: Iterable[Record], stamp_ms: int | None = None) -> None:
        """Send records to the partitions of their customers, and wait until the broker has them.

        `stamp_ms` is their log time on a broker that leaves stamping to producers.
        """
        placed = ((partition_of(customer, PARTITIONS), customer, value) for customer, value in records)
        await self.send_to(placed, stamp_ms=stamp_ms)

    async def send_over(self, seconds: float, records: Sequence[Record]) -> None:
        """Send records evenly over some time, so that something can happen in mid-run."""
        size = max(1, len(records) // int(seconds / PACE_SECONDS))
        for first in range(0, len(records), size):
            await self.send(records[first : first + size])
            await asyncio.sleep(PACE_SECONDS)

    async def send_commands(self, records: Iterable[Record]) -> None:
        """Send commands likewise."""
        placed = [(partition_of(customer, PARTITIONS), customer, value) for customer, value in records]
        await self.send_to(placed, topic="commands")

    async def send_to(
        self, records: Iterable[tuple[int, str, bytes | None]], topic: str = "usage", stamp_ms: int | None = None
    ) -> None:
        """Send records to partitions of the test's choice."""
        producer = await self._open_producer()
        name = self.topic(topic)
        under_way = [
            (partition, await producer.send(name, value, customer.encode(), partition, timestamp_ms=stamp_ms))
            for partition, customer, value in records
        ]
        ends = self.ends[topic]
        for partition, sent in under_way:
            ends[partition] = max(ends.get(partition, 0), (await sent).offset + 1)

    async def status(self, bucket: int) -> BucketStatus:
        """Where a bucket stands in Redis."""
        return await BucketReader(self.redis, bucket).status()

    async def applied(self, share: float = 1.0) -> None:
        """Wait until at least this share of what was sent has been applied."""
        wanted = share * sum(end for ends in self.ends.values() for end in ends.values())

        async def is_applied() -> bool:
            positions = [(await self.status(bucket)).position for bucket in range(PARTITIONS)]
            return sum(position.usage + position.commands for position in positions) >= wanted

        await self.reached(is_applied, f"{share:.0%} of {wanted / share:.0f} records applied")

    async def settled(
        self, seconds_max: float = SETTLE_SECONDS_MAX, buckets: Iterable[int] = range(PARTITIONS)
    ) -> None:
        """Wait until all that was sent to `buckets`, by workers too, is applied, published, and in the books."""
        behind: list[str] = []

        async def is_settled() -> bool:
            behind[:] = [line for bucket in buckets if (line := await self._behind(bucket))]
            if not behind:
                behind[:] = await self._sent_on()
            return not behind

        await self.reached(is_settled, lambda: f"all settled; {behind}", seconds_max)

    async def reached(
        self,
        is_true: Callable[[], object],
        what: str | Callable[[], str],
        seconds_max: float = SETTLE_SECONDS_MAX,
    ) -> None:
        """Wait until `is_true`, while every process goes on.

        When it does not come, the error says which buckets stand still and why, the metrics are shown, and the
        processes log what each of their tasks waits for.
        """
        try:
            await wait_until(is_true, what, seconds_max, self._check_processes)
        except AssertionError as error:
            for bucket in range(PARTITIONS):
                with suppress(Retryable):
                    if standing := await read_standstill(self.redis, bucket):
                        error.add_note(f"bucket {bucket} stands still: {standing.why}")
            for log in sorted(self.directory.glob("*.log")):
                await asyncio.to_thread(_show_metrics, log)
            for process in self.processes:
                if process.returncode is None:
                    os.kill(process.pid, signal.SIGUSR1)
            await asyncio.sleep(TELL_SECONDS)
            raise

    async def close(self) -> None:
        """End all processes, what a test stopped (SIGSTOP) as well; their logs are shown when the test fails."""
        for process in self.processes:
            process.kill()
        for log in sorted(self.directory.glob("*.log")):
            sys.stdout.write(f"--- {log.name}\n{log.read_text(errors='replace')[-LOG_SHOWN_MAX:]}\n")
        self.processes.clear()
        if self._producer is not None:
            await self._producer.stop()
        await self.redis.aclose()
        await self.database.close()

    async def _behind(self, bucket: int) -> str | None:
        """What a bucket still has to do; None where it has done all."""
        status = await self.status(bucket)
        wanted = Position(self.ends["usage"].get(bucket, 0), self.ends["commands"].get(bucket, 0))
        if not status.loaded and wanted == Position(0, 0):
            return None
        if not status.loaded:
            return f"bucket {bucket} is not loaded"
        if status.position.usage < wanted.usage or status.position.commands < wanted.commands:
            return f"bucket {bucket} stands at {status.position} of {wanted}"
        if status.outbox_chunks:
            return f"bucket {bucket} has {status.outbox_chunks} chunks to publish"
        async with self.database.connection() as connection:
            seq = await connection.fetchval("SELECT seq FROM positions WHERE bucket = $1", bucket) or 0
        return None if seq == status.seq else f"the books of bucket {bucket} are at {seq} of {status.seq}"

    async def _sent_on(self) -> list[str]:
        """Look for records beyond the ends known so far: workers send on what stands in a wrong partition."""
        known = {(self.topic(topic), bucket): topic for topic in self.ends for bucket in range(PARTITIONS)}
        ends = {key: self.ends[topic].get(key[1], 0) for key, topic in known.items()}
        grown = {
            key: end
            for key, end in (await high_water_marks(self.settings.kafka.bootstrap, ends)).items()
            if end > ends[key]
        }
        for (name, bucket), end in grown.items():
            self.ends[known[name, bucket]][bucket] = end
        return [f"{name} of bucket {bucket} goes on to {end}" for (name, bucket), end in grown.items()]

    def _check_processes(self) -> None:
        for process in self.processes:
            assert process.returncode is None, f"a process ended with {process.returncode}:\n{process.read_log_tail()}"

    def _start(self, program: str, variables: dict[str, str]) -> Process:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH") or str(ROOT),
            "HOME": str(self.directory),
            **self.settings.to_environment(),
            **variables,
        }
        command = Command([sys.executable, "-m", self.program, program], environment, self.directory)
        process = Process(command, self.directory / f"{program}-{time.monotonic_ns()}.log")
        self.processes.append(process)
        return process

    async def _open_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self.settings.kafka.bootstrap,
                enable_idempotence=self.stack.has_transactions,
                max_request_size=2 * 1024 * 1024,
                linger_ms=1,
                request_timeout_ms=self.send_patience_ms,
            )
            await producer.start()
            self._producer = producer
        return self._producer


def make_settings(stack: FreshStack) -> Settings:
    """The settings of a test: few buckets, flat prices, short waits."""
    given = stack.settings()
    return Settings(
        kafka=KafkaSettings(
            bootstrap=given["METERING_KAFKA__BOOTSTRAP"],
            topic_prefix=given["METERING_KAFKA__TOPIC_PREFIX"],
            group=given["METERING_KAFKA__GROUP"],
            partitions=PARTITIONS,
            session_timeout_ms=3_000,
        ),
        redis=RedisSettings(url=given["METERING_REDIS__URL"]),
        postgres=PostgresSettings(dsn=given["METERING_POSTGRES__DSN"]),
        rates=RatesSettings(dir=RATES),
        worker=WorkerSettings(chunk_events_max=100, buffered_events_max=1_000, probe_seconds=0.5),
        checkpoint=CheckpointSettings(flush_seconds=0.2),
        metrics=MetricsSettings(port=0),
        log=LogSettings(level="info", format="json"),
    )


def _show_metrics(log: Path) -> None:
    """Show what a process says of its buckets, by the address that it logged; nothing where it has died."""
    try:
        lines = read_metrics(log).splitlines()
    except (OSError, AssertionError):
        return
    shown = [line for line in lines if "bucket=" in line and not line.startswith("#")]
    sys.stdout.write(f"--- metrics of {log.name}\n" + "\n".join(shown) + "\n")
