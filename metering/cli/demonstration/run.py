"""The demo from start to end. Leaves each step to its own module, and the words to `summary`."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec import Struct

from metering.cli.demonstration.alerts import AlertWatch, watch_alerts
from metering.cli.demonstration.books import connect_books, read_kept
from metering.cli.demonstration.children import Child
from metering.cli.demonstration.customers import command_all, open_commands
from metering.cli.demonstration.fall import let_customer_fall
from metering.cli.demonstration.progress import Progress
from metering.cli.demonstration.stream import open_stream
from metering.cli.demonstration.summary import Run, Summary, measure_decisions, summarise
from metering.cli.demonstration.traffic import generate
from metering.cli.installation import prepare
from metering.cli.output import note
from metering.embedded.brokers import BrokerName
from metering.embedded.stack import Stack
from metering.errors import Fatal
from metering.settings import LogSettings, Settings

PARTITIONS = 4
"""Few buckets for one worker on two cores: larger chunks, and still more than one of everything."""
TOP_UP_MICROS = 10_000 * 1_000_000
PACED_PER_SECOND = 2_000
"""What a busy gateway sends: latency is measured at this pace, where no queue builds up."""
PACED_PART = 5
"""One event in so many goes at that pace, the rest as fast as it goes."""
STILL_SECONDS_MAX = 60.0
"""Without any progress for so long, something hangs."""
POLL_SECONDS = 0.25


class Plan(Struct, frozen=True):
    """What to show."""

    events: int = 100_000
    customers: int = 300
    broker: BrokerName = "tansu"
    seed: int = 1


class Shown(Struct, frozen=True):
    """The summary, and where everything still runs while the context is open."""

    summary: Summary
    stack: Stack
    environment: dict[str, str]
    """The variables that point any command there."""
    worker_url: str
    checkpointer_url: str


@asynccontextmanager
async def show(plan: Plan, given: Settings) -> AsyncIterator[Shown]:
    """Run the whole demo and yield what came of it; servers and processes end with the context, whatever happens."""
    async with AsyncExitStack() as exits:
        logs = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="metering-demo-")))
        note(f"starting Valkey, Postgres and a broker ({plan.broker}), topics and schema")
        stack = await exits.enter_async_context(Stack(plan.broker, logs))
        settings = await prepare(stack, given.with_section(log=LogSettings(level="info", format="json")), PARTITIONS)
        note("starting a worker and a checkpointer")
        worker = await exits.enter_async_context(Child("worker", settings, logs))
        checkpointer = await exits.enter_async_context(Child("checkpointer", settings, logs))
        await asyncio.gather(worker.wait_until_ready(), checkpointer.wait_until_ready())
        watch = await exits.enter_async_context(watch_alerts(settings.kafka))
        summary = await _run(plan, settings, worker, watch)
        environment = stack.settings() | {"METERING_KAFKA__PARTITIONS": str(PARTITIONS)}
        yield Shown(summary, stack, environment, worker.url, checkpointer.url)


async def _run(plan: Plan, settings: Settings, worker: Child, watch: AlertWatch) -> Summary:
    kafka, dsn = settings.kafka, settings.postgres.dsn
    note(f"opening {plan.customers} customers")
    opening = open_commands(plan.customers, top_up_micros=TOP_UP_MICROS, run=secrets.token_hex(4))
    commands = await command_all(kafka, opening)
    paced = plan.events // PACED_PART
    rest = plan.events - paced
    events = generate(plan.seed, plan.events, plan.customers, time.time_ns() // 1_000_000)
    async with open_stream(kafka, events) as stream:
        note(f"{paced:,} events at {PACED_PER_SECOND:,}/s; meanwhile one customer runs low, out, and is topped up")
        before = await worker.read_figures()
        metered = _wait_for("metered", paced, _count_metered(worker))
        fall, *_ = await asyncio.gather(
            let_customer_fall(kafka, watch), stream.send_at_pace(paced, PACED_PER_SECOND), metered
        )
        await _wait_for("metered", paced + fall.events, _count_metered(worker), silent=True)
        decisions = measure_decisions(before, await worker.read_figures())
        note(f"{rest:,} events as fast as it goes")
        started = time.monotonic()
        metered = _wait_for("metered", plan.events + fall.events, _count_metered(worker))
        await asyncio.gather(stream.send_at_once(rest), metered)
        seconds = time.monotonic() - started
        published = await stream.finish() + fall.events
    await _wait_for("in the books", published, lambda: _count_kept(dsn))
    figures = await worker.read_figures()
    return await summarise(
        settings,
        Run(
            published=published,
            commands=commands + fall.commands,
            dead_letters=figures.total("metering_dead_letters_total"),
            events_at_once=rest,
            milliseconds_at_once=round(seconds * 1000),
            decisions=decisions,
            alerts=dict(watch.counts()),
            fall=fall,
        ),
    )


async def _wait_for(what: str, total: int, count: Callable[[], Awaitable[int]], *, silent: bool = False) -> None:
    """Show how far it is until `count` says `total` or more. Raises `Fatal` when it stands still."""
    progress = Progress(what, total, first=await count())
    moved, last = time.monotonic(), -1
    while (done := await count()) < total:
        if not silent:
            progress.show(done)
        if done != last:
            moved, last = time.monotonic(), done
        elif time.monotonic() - moved > STILL_SECONDS_MAX:
            raise Fatal(f"{done:,} of {total:,} are {what}, and no more came for {STILL_SECONDS_MAX:.0f} s")
        await asyncio.sleep(POLL_SECONDS)
    if not silent:
        progress.show(total)
        progress.finish()


def _count_metered(worker: Child) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        return (await worker.read_figures()).total("metering_events_total")

    return count


async def _count_kept(dsn: str) -> int:
    async with connect_books(dsn) as books:
        return (await read_kept(books)).usage
