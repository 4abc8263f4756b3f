"""The checkpointer's process: its settings, its HTTP, its signals. Leaves the books to `checkpoint`."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

import structlog
import uvloop

from metering.checkpoint.service import Checkpointer, CheckpointerOptions
from metering.contracts.topics import Topic
from metering.errors import MeteringError
from metering.ledger.till import Windows
from metering.observe.http_server import StatusServer
from metering.observe.metrics import CheckpointerMetrics
from metering.observe.steps import NO_STEPS, Steps
from metering.observe.waits import tell_waits_on_signal
from metering.settings import Settings
from metering.worker.collecting import settle_collector

log = structlog.get_logger(__name__)

PORT_DEFAULT = 9102
WATCH_SECONDS = 0.2


def run_checkpointer(settings: Settings, steps: Steps = NO_STEPS) -> int:
    """Run until SIGTERM or SIGINT, on uvloop. Return 0 when asked to stop, 1 when it could not go on."""
    settle_collector()
    return uvloop.run(_serve(settings, steps))


def make_options(settings: Settings) -> CheckpointerOptions:
    """Return the checkpointer's own form of the settings."""
    kafka, books = settings.kafka, settings.checkpoint
    return CheckpointerOptions(
        bootstrap=kafka.bootstrap,
        dsn=settings.postgres.dsn,
        client=kafka.client_options(),
        ledger_topic=kafka.topic_prefix + Topic.LEDGER,
        # Of the prefix, as the topic is: two installations on one cluster share neither.
        group=f"{kafka.topic_prefix}metering-checkpointer",
        flush_seconds=books.flush_seconds,
        flush_entries=books.flush_entries,
        buffered_entries_max=books.buffered_entries_max,
        session_timeout_ms=kafka.session_timeout_ms,
        fetch_max_wait_ms=kafka.fetch_max_wait_ms,
        retention_days=books.retention_days,
        windows=Windows.of(settings.ledger),
    )


async def _serve(settings: Settings, steps: Steps) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tell_waits_on_signal()
    metrics = CheckpointerMetrics()
    checkpointer = Checkpointer(make_options(settings), metrics, steps)
    http = settings.metrics
    status = StatusServer(
        metrics.registry,
        host=http.host,
        port=PORT_DEFAULT if http.port is None else http.port,
        health=checkpointer.health,
        ready={"postgres": checkpointer.check_postgres, "buckets": _make_assigned_check(checkpointer)},
    )
    # Up before the service is: it waits for Postgres, and whoever looks should see why.
    async with status:
        log.info("status_served", host=http.host, port=status.port)
        starting = asyncio.create_task(checkpointer.start())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                await starting
            while not stop.is_set() and checkpointer.crash_reason is None:
                await asyncio.wait([stopping], timeout=WATCH_SECONDS)
        except MeteringError as error:
            log.error("checkpointer_cannot_start", why=str(error))  # noqa: TRY400  the message says it all
            return 1
        finally:
            stopping.cancel()
            await checkpointer.stop()
            starting.cancel()
    crash = checkpointer.crash_reason
    if crash is not None:
        log.error("checkpointer_crashed", why=f"{type(crash).__name__}: {crash}")
        return 1
    log.info("checkpointer_stopped")
    return 0


def _make_assigned_check(checkpointer: Checkpointer) -> Callable[[], Awaitable[None]]:
    async def check() -> None:
        if not checkpointer.writers:
            raise RuntimeError("no bucket is assigned yet")

    return check
