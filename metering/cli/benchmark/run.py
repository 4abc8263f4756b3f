"""Runs one scenario from an empty stack to a checked result. Leaves printing it to `report`."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec import Struct
from redis.asyncio import Redis

from metering.cli.benchmark.baselines import CONCURRENCY, Baseline, run_child
from metering.cli.benchmark.books import fill_books
from metering.cli.benchmark.calibration import Turns
from metering.cli.benchmark.costs import Cost
from metering.cli.benchmark.exactness import Exactness, check_exactness
from metering.cli.benchmark.faust_run import measure_faust
from metering.cli.benchmark.latency import Latency
from metering.cli.benchmark.measuring import Measured, Running, drain, pace
from metering.cli.benchmark.memory import KeyKind, measure_keys, used_bytes
from metering.cli.benchmark.mixes import Mix
from metering.cli.benchmark.population import Population, populate
from metering.cli.benchmark.profiling import POSTGRES_SETTINGS
from metering.cli.benchmark.rates import write_rates
from metering.cli.benchmark.scenario import Scenario
from metering.cli.installation import prepare
from metering.cli.output import note
from metering.embedded.stack import Stack
from metering.rating import load_catalog
from metering.settings import LogSettings, RatesSettings, Settings


class Memory(Struct, frozen=True):
    """Bytes."""

    workers_resident: int
    workers_peak: int
    redis_customers: int
    """What Redis holds more with the scenario's customers in it than without, before any event."""
    redis_keys: list[KeyKind]
    """At the end."""


class Result(Struct, frozen=True, kw_only=True):
    """One scenario, as it went."""

    name: str
    scenario: Scenario
    cost: Cost
    messages_per_second: int | None
    """Texts a second, each with all its events; None for calls, of which several events ask."""
    turns: Turns
    checkpointer: Cost | None
    """Of entries, from the beginning of the measured stretch until the books had all."""
    latency: Latency | None
    memory: Memory
    exactness: Exactness
    set_up_seconds: float
    baselines: list[Baseline]


async def run_scenario(scenario: Scenario, given: Settings, profile: Path | None = None) -> Result:
    """Run it on a stack of its own. Raises `Fatal` where it does not come to an end; everything ends with it.

    With `profile`, profiles of the measured stretch go into that directory.
    """
    async with _stack(scenario, given, profile) as (running, catalog_seconds):
        return await _run(scenario, running, catalog_seconds)


@asynccontextmanager
async def _stack(scenario: Scenario, given: Settings, profile: Path | None) -> AsyncIterator[tuple[Running, float]]:
    started = time.monotonic()
    async with AsyncExitStack() as exits:
        directory = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="metering-bench-")))
        watched = POSTGRES_SETTINGS if profile else {}
        durable = {"fsync": "on", "synchronous_commit": "off"} if scenario.appendonly else {}
        stack = Stack(
            scenario.broker, directory, valkey_appendonly=scenario.appendonly, postgres_settings=durable | watched
        )
        await exits.enter_async_context(stack)
        rates = RatesSettings(dir=await asyncio.to_thread(write_rates, directory))
        settings = given.with_section(rates=rates, log=LogSettings(level="warning", format="json"))
        settings = await prepare(stack, settings, scenario.partitions)
        redis = Redis.from_url(stack.redis_url)
        exits.push_async_callback(redis.aclose)
        running = Running(scenario, stack, settings, redis, directory, secrets.token_hex(4), profile)
        yield running, time.monotonic() - started


async def _run(scenario: Scenario, running: Running, stack_seconds: float) -> Result:
    settings, redis = running.settings, running.redis
    started = time.monotonic()
    note(f"{scenario.name}: setting up")
    empty = await used_bytes(redis)
    catalog = await asyncio.to_thread(load_catalog, settings.rates.dir)
    population = await populate(redis, scenario, catalog)
    customers_bytes = await used_bytes(redis) - empty
    baselines = []
    if scenario.baselines:
        baselines = await measure_baselines(running, population)
        population = await populate(redis, scenario, catalog)
    if scenario.checkpointer:
        await fill_books(settings.postgres.dsn, population)
    set_up_seconds = round(stack_seconds + time.monotonic() - started, 1)
    mix = Mix(scenario, running.run)
    note(f"{scenario.name}: {'at a pace' if scenario.pace else 'draining'}")
    measure = pace if scenario.pace else drain
    measured: Measured = await measure(running, mix, population.bucket_of())
    note(f"{scenario.name}: {measured.cost.per_second:,}/s; checking every sum")
    exactness = await check_exactness(settings, redis, population, measured.published, measured.asking)
    memory = Memory(measured.workers_resident, measured.workers_peak, customers_bytes, await measure_keys(redis))
    return Result(
        name=scenario.name,
        scenario=scenario,
        cost=measured.cost,
        messages_per_second=_messages_per_second(scenario, measured),
        turns=measured.turns,
        checkpointer=measured.checkpointer,
        latency=measured.latency,
        memory=memory,
        exactness=exactness,
        set_up_seconds=set_up_seconds,
        baselines=baselines,
    )


def _messages_per_second(scenario: Scenario, measured: Measured) -> int | None:
    """Of a text one event asks, and the others are what became of it."""
    if scenario.mix == "voice":
        return None
    return measured.cost.per_second * measured.asking // max(1, measured.published)


async def measure_baselines(running: Running, population: Population) -> list[Baseline]:
    """Run the three baselines; Redis is empty afterwards, and the topics of the scenario are as they were.

    Faust first: it needs the customers that are in Redis.
    """
    scenario, stack = running.scenario, running.stack
    note(f"{scenario.name}: baselines: a Faust agent")
    found = [await measure_faust(running, population, population.bucket_of())]
    sizes = [str(scenario.events // 4), str(scenario.customers), str(CONCURRENCY)]
    note(f"{scenario.name}: baselines: Postgres and Redis alone")
    dsn = await stack.postgres.create_database("baseline")
    for name, address, pid in (("postgres", dsn, stack.postgres.pid), ("redis", stack.redis_url, stack.valkey.pid)):
        await running.redis.flushall()
        log = running.directory / f"baseline-{name}.log"
        found.append(await run_child(name, [address, *sizes], pid, scenario.seconds_max, log))
    await running.redis.flushall()
    return found
