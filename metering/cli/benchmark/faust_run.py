"""The Faust agent of the baselines, measured like a worker: from a tenth of its backlog to the last committed event.

It has topics of its own beside those of the worker, and Redis to itself: whoever calls fills it again afterwards.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from metering.cli.benchmark.accounts import cpu_seconds
from metering.cli.benchmark.baselines import Baseline
from metering.cli.benchmark.measuring import WARM_UP_PART, Running, publish_backlog
from metering.cli.benchmark.mixes import Mix
from metering.cli.benchmark.population import Population
from metering.cli.benchmark.progress import Committed, wait_until
from metering.cli.kafka import topic_name
from metering.contracts.topics import Topic
from metering.embedded.process import Command, Process
from metering.errors import Fatal
from metering.ledger.live import BucketReader
from metering.worker.topics import create_topics

PREFIX = "faust-"
EVENTS_PART = 4
"""It gets a quarter of the events: seconds enough to measure, without waiting for the rest."""


async def measure_faust(running: Running, population: Population, buckets: Sequence[int]) -> Baseline:
    """Run it on a Redis that was just populated. Raises `Fatal` when it does not come to an end."""
    scenario = running.scenario
    group = f"faust-{running.run}"
    kafka = running.settings.kafka.model_copy(update={"topic_prefix": PREFIX, "group": group})
    await create_topics(kafka)
    events = scenario.events // EVENTS_PART
    batches = await publish_backlog(kafka, Mix(scenario, f"{running.run}f"), events, buckets)
    settings = running.settings.with_section(kafka=kafka)
    program = [sys.executable, "-m", "metering.cli.benchmark.baseline_faust", group]
    environment = {**os.environ, **settings.to_environment()}
    process = Process(Command(program, environment, running.directory), running.directory / "faust.log")

    def check() -> None:
        if process.returncode is not None:
            raise Fatal(f"the Faust agent ended:\n{process.read_log_tail()}")

    try:
        async with Committed(kafka, topic_name(kafka, Topic.USAGE)) as committed:
            seconds_max = scenario.seconds_max
            begun, first = await wait_until(committed.count, events // WARM_UP_PART, seconds_max, check)
            pids = process.pid, running.stack.valkey.pid
            before = [cpu_seconds(pid) for pid in pids]
            ended, last = await wait_until(committed.count, batches.events, seconds_max, check)
            client, server = (cpu_seconds(pid) - at for pid, at in zip(pids, before, strict=True))
    finally:
        process.kill()
    count = last - first
    if not count:
        raise Fatal("the Faust agent was through before it could be measured: give more --events")
    micros = [round(seconds * 1e6 / max(1, count), 2) for seconds in (client, server)]
    is_exact = await _count_entries(running, population) == events
    return Baseline("faust", count, round(count / (ended - begun)), micros[0], micros[1], is_exact)


async def _count_entries(running: Running, population: Population) -> int:
    """Return how many entries Redis has made for the agent."""
    return sum([(await BucketReader(running.redis, n).status()).seq for n in range(len(population.by_bucket))])
