"""The worker's process: a Faust app as the shell, with the metering loop as its service.

Leaves metering to `service`.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable
from typing import Any

import faust
import structlog
import uvloop
from faust.app.base import BootStrategy
from mode.types import ServiceT

from metering.errors import MeteringError
from metering.observe.steps import NO_STEPS, Steps
from metering.observe.waits import tell_waits_on_signal
from metering.settings import Settings
from metering.worker.allocating import give_back_free, settle_allocator
from metering.worker.collecting import settle_collector
from metering.worker.service import WorkerService

log = structlog.get_logger(__name__)


class _ShellBoot(BootStrategy):
    """Starts sensors only: no consumer, producer or tables of Faust's own, so no group and no topics of its own."""

    enable_kafka = False
    enable_web = False

    def server(self) -> Iterable[ServiceT]:
        """Return the services of Faust itself that the worker needs."""
        return list(self.sensors())


class Shell(faust.App):
    """Faust as life cycle and supervision of the worker's services.

    Its streams are not used for metering: they hand over one event at a time, and commit what was not handled.
    """

    BootStrategy = _ShellBoot

    def _create_directories(self) -> None:
        """Make none: Faust would leave NAME-data wherever the worker is started, and fail where that is read-only."""


def make_app(settings: Settings, steps: Steps = NO_STEPS) -> tuple[Shell, list[WorkerService]]:
    """Return the app that carries a worker, and where the worker will be once the app has made it."""

    class MeteringLoop(WorkerService):
        """The worker with its settings, as Faust makes it."""

        def __init__(self, **options: Any) -> None:
            super().__init__(settings, steps, **options)
            made.append(self)

    made: list[WorkerService] = []
    app = Shell(
        f"{settings.kafka.topic_prefix}{settings.kafka.group}",
        broker=f"kafka://{settings.kafka.bootstrap.split(',')[0]}",
        topic_disable_leader=True,
    )
    app.service(MeteringLoop)
    return app, made


async def serve(settings: Settings, steps: Steps = NO_STEPS) -> int:
    """Run one worker until SIGTERM or SIGINT; return the process' exit code: 0 = asked to stop, 1 = could not go on.

    A signal finishes the batch under way, publishes it, and leaves the group; a second one changes nothing.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tell_waits_on_signal()
    app, made = make_app(settings, steps)
    try:
        await app.start()
    except MeteringError as error:
        log.error("worker_cannot_start", why=str(error))  # noqa: TRY400  the message says what to change
        await app.stop()
        return 1
    settle_collector()
    give_back_free()
    worker = made[0]
    ended = asyncio.create_task(worker.wait_failed())
    asked = asyncio.create_task(stop.wait())
    await asyncio.wait([asked, ended], return_when=asyncio.FIRST_COMPLETED)
    crash = worker.failure
    for task in (asked, ended):
        task.cancel()
    await app.stop()
    if crash is not None:
        log.error("worker_crashed", why=f"{type(crash).__name__}: {crash}")
        return 1
    log.info("worker_stopped")
    return 0


def run_worker(settings: Settings, steps: Steps = NO_STEPS) -> int:
    """Run one worker in this process, on uvloop, until it is told to stop; return the exit code."""
    settle_allocator()
    return uvloop.run(serve(settings, steps))
