"""What tasks wait for, in the log when it is asked for."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import structlog
from structlog.testing import capture_logs

from metering.observe.waits import tell_waits_on_signal
from metering.tasks import end_tasks
from tests.waiting import wait_until


async def wait_for_good() -> None:
    await asyncio.Event().wait()


async def values() -> AsyncIterator[int]:
    yield 1
    await wait_for_good()


async def read_values() -> None:
    async for _ in values():
        await wait_for_good()


async def test_signal_tells_each_tasks_calls_and_changes_nothing() -> None:
    structlog.reset_defaults()
    tell_waits_on_signal()
    waiting = asyncio.create_task(read_values(), name="bucket-3")
    await asyncio.sleep(0)
    try:
        with capture_logs() as lines:
            os.kill(os.getpid(), signal.SIGUSR1)
            await wait_until(lambda: lines)
        (line,) = (line for line in lines if line["task"] == "bucket-3")
        assert "task_waits" == line["event"]
        assert ["read_values", "wait_for_good", "Event.wait"] == [place.split()[-1] for place in line["at"]]
        assert all(place.split(":")[0] in {__name__, "asyncio.locks"} for place in line["at"])
        assert not waiting.done()
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGUSR1)
        await end_tasks(waiting)
