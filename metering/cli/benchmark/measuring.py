"""The measured stretch of a scenario: a drained backlog, or a pace. Leaves set-up and checks to `run`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from msgspec.structs import replace
from redis.asyncio import Redis

from metering.cli.benchmark.accounts import peak_bytes, resident_bytes
from metering.cli.benchmark.books import books_entries
from metering.cli.benchmark.calibration import Calibration, Turns
from metering.cli.benchmark.costs import Cost, Pids, Reading, cost_between, read_cpu
from metering.cli.benchmark.gateway import Gateway, publish_at_pace
from metering.cli.benchmark.latency import Latency, watch
from metering.cli.benchmark.mixes import Mix
from metering.cli.benchmark.profiling import profiled
from metering.cli.benchmark.progress import Committed, applied_entries, wait_until
from metering.cli.benchmark.publishing import Batches
from metering.cli.benchmark.scenario import Scenario
from metering.cli.demonstration.children import Child
from metering.cli.kafka import open_producer, topic_name
from metering.contracts.topics import Topic
from metering.embedded.stack import Stack
from metering.errors import Fatal
from metering.settings import KafkaSettings, Settings
from metering.worker.collecting import settle_collector

WARM_UP_PART = 10
"""A tenth of a backlog is applied before the measuring begins, if nothing else is said: caches are full then. The JVM
of a broker that has just begun has not compiled by then: that takes half a million events."""
WARM_UP_SHARE = 2
WARM_UP_SECONDS_MAX = 60
"""A pace is warmed up for twice as long as it is measured, or so long: half of what Kafka does in its first half minute
is the JVM that compiles itself, and the two cores are full while it does."""
BOOKS_SECONDS_MAX = 120.0
"""After the last event is committed."""


@dataclass(frozen=True, slots=True)
class Running:
    """A scenario's stack and what points there."""

    scenario: Scenario
    stack: Stack
    settings: Settings
    redis: Redis
    directory: Path
    run: str
    """Begins the ids of this run's events."""
    profile: Path | None = None
    """Where profiles go, if any are made."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured, and what the checks have to find."""

    published: int
    asking: int
    cost: Cost
    turns: Turns
    checkpointer: Cost | None
    latency: Latency | None
    workers_resident: int
    workers_peak: int


class _Processes:
    """The workers and the checkpointer of a run."""

    def __init__(self, running: Running, workers: list[Child], checkpointer: list[Child]) -> None:
        self.workers = workers
        self._checkpointer = checkpointer
        self._stack = running.stack

    def ensure_running(self) -> None:
        for child in [*self.workers, *self._checkpointer]:
            child.ensure_running()

    def memory(self) -> tuple[int, int]:
        """Return the bytes of all workers in RAM, now and at most."""
        pids = [child.pid for child in self.workers]
        return sum(map(resident_bytes, pids)), sum(map(peak_bytes, pids))

    @property
    def pids(self) -> Pids:
        pids = {
            "worker": [child.pid for child in self.workers],
            "redis": [self._stack.valkey.pid],
            "kafka": [self._stack.broker.pid],
        }
        if self._checkpointer:
            pids |= {"checkpointer": [self._checkpointer[0].pid], "postgres": [self._stack.postgres.pid]}
        return pids


async def publish_backlog(kafka: KafkaSettings, mix: Mix, events: int, buckets: Sequence[int]) -> Batches:
    """Put so many events into the usage topic; what is returned counts them."""
    async with open_producer(kafka) as producer:
        batches = Batches(producer, topic_name(kafka, Topic.USAGE), buckets)
        await batches.add(mix.events(0, events))
        await batches.finish()
    return batches


async def drain(running: Running, mix: Mix, buckets: Sequence[int]) -> Measured:
    """Put the whole backlog there, then start the workers, and measure from the warm-up applied to all committed.

    What is applied and not yet published at the beginning is paid for in the measured stretch, so a figure is rather
    too high than too low. (Counted by commits it would be too low by all that the worker has under way.)
    """
    scenario = running.scenario
    batches = await publish_backlog(running.settings.kafka, mix, scenario.events, buckets)
    calibration = Calibration(running.redis)

    async def applied() -> int:
        return await applied_entries(running.redis, scenario.partitions)

    async with AsyncExitStack() as exits:
        processes = await exits.enter_async_context(_processes(running))
        done, kept = await exits.enter_async_context(_progress(running))
        await exits.enter_async_context(_profiled(running, processes))
        await _reach(processes, applied, scenario.warm_up or scenario.events // WARM_UP_PART, scenario)
        written, begun = await kept(), await applied()
        if begun >= scenario.events:
            raise Fatal("the backlog was applied before it could be measured: give more --events, or less --warm-up")
        first = read_cpu(processes.pids, begun)
        async with calibration.beside():
            await _reach(processes, done, scenario.events, scenario)
            last = read_cpu(processes.pids, scenario.events)
            besides = calibration.redis_seconds
        checkpointer = await _finish_books(processes, kept, written, first, batches.events)
        cost = cost_between(first, last, {"redis": besides})
        memory = processes.memory()
    return Measured(batches.events, batches.asking, cost, calibration.turns, checkpointer, None, *memory)


async def pace(running: Running, mix: Mix, buckets: Sequence[int]) -> Measured:
    """Start the workers, publish evenly, and measure after a warm-up at the same pace."""
    scenario, kafka = running.scenario, running.settings.kafka
    calibration = Calibration(running.redis)
    warm_up = scenario.pace * min(WARM_UP_SHARE * scenario.seconds, WARM_UP_SECONDS_MAX)
    wanted = scenario.pace * scenario.seconds
    async with AsyncExitStack() as exits:
        processes = await exits.enter_async_context(_processes(running))
        done, kept = await exits.enter_async_context(_progress(running))
        await exits.enter_async_context(_profiled(running, processes))
        arrivals = await exits.enter_async_context(watch(kafka, is_woken=running.stack.broker.has_transactions))
        producer = await exits.enter_async_context(open_producer(kafka))
        batches = Batches(producer, topic_name(kafka, Topic.USAGE), buckets)
        # One event a bucket first: joining the group and claiming take seconds, and are no part of any latency.
        opening = scenario.partitions * 4
        await batches.add(mix.events(0, opening))
        await batches.finish()
        await _reach(processes, done, opening, scenario)
        gateway = Gateway(producer.client, topic_name(kafka, Topic.USAGE), buckets)
        await publish_at_pace(gateway, mix, opening, warm_up, scenario.pace)
        await calibration.sample()
        written = await kept()
        # A pause of this process for its own garbage would count as one of the worker's.
        settle_collector()
        own_seconds = time.process_time()
        first = read_cpu(processes.pids, opening + warm_up)
        handed = await publish_at_pace(gateway, mix, opening + warm_up, wanted, scenario.pace)
        await _reach(processes, done, opening + warm_up + wanted, scenario)
        last = read_cpu(processes.pids, opening + warm_up + wanted)
        own_seconds = time.process_time() - own_seconds
        await calibration.sample()
        published, asking = batches.events + gateway.events, batches.asking + gateway.asking
        checkpointer = await _finish_books(processes, kept, written, first, published)
        await asyncio.sleep(0.5)  # what was committed last is still to be read
        latency = arrivals.latency(handed, opening + warm_up, own_seconds)
        cost, memory = cost_between(first, last, {}), processes.memory()
    return Measured(published, asking, cost, calibration.turns, checkpointer, latency, *memory)


@asynccontextmanager
async def _processes(running: Running) -> AsyncIterator[_Processes]:
    async with AsyncExitStack() as exits:
        names = [f"worker-{number}" for number in range(running.scenario.workers)]
        names += ["checkpointer"] if running.scenario.checkpointer else []
        children = []
        for name in names:
            directory = running.directory / name
            directory.mkdir()
            child = Child(name.partition("-")[0], running.settings, directory)
            children.append(await exits.enter_async_context(child))
        yield _Processes(running, children[: running.scenario.workers], children[running.scenario.workers :])


@asynccontextmanager
async def _profiled(running: Running, processes: _Processes) -> AsyncIterator[None]:
    if running.profile is None:
        yield
        return
    await processes.workers[0].wait_until_ready()
    dsn = running.settings.postgres.dsn
    async with profiled(running.profile, processes.workers[0].pid, running.redis, dsn):
        yield


_Count = Callable[[], Awaitable[int]]


@asynccontextmanager
async def _progress(running: Running) -> AsyncIterator[tuple[_Count, _Count]]:
    """Yield two counts: of events that are committed, and of entries in the books."""
    kafka = running.settings.kafka
    topic = topic_name(kafka, Topic.USAGE)
    connection = await asyncpg.connect(running.settings.postgres.dsn)
    try:
        async with Committed(kafka, topic) as committed:
            yield committed.count, lambda: books_entries(connection)
    finally:
        await connection.close()


async def _reach(processes: _Processes, done: _Count, wanted: int, scenario: Scenario) -> None:
    await wait_until(done, wanted, scenario.seconds_max, processes.ensure_running)


async def _finish_books(
    processes: _Processes, kept: _Count, written: int, first: Reading, published: int
) -> Cost | None:
    """Wait until the books have all; return what an entry cost there since `first`, when they had `written`."""
    if "checkpointer" not in first.cpu:
        return None
    await wait_until(kept, published, BOOKS_SECONDS_MAX, processes.ensure_running)
    last = read_cpu(processes.pids, published)
    cost = cost_between(replace(first, done=written), last, {})
    return replace(cost, cpu_micros={part: cost.cpu_micros[part] for part in ("checkpointer", "postgres")})
