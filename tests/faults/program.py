"""A worker or a checkpointer as it is, that a test lets die at a step or gives another clock. Leaves why to the tests.

    python -m tests.faults.program worker|checkpointer

`DIE_AT=committed` or `committed:3` ends it by SIGKILL when it reaches the step, or does so for the third time.
`CLOCK_OFFSET=path` names a file whose number of milliseconds is added to the wall clock, whenever it is asked.
`BROKER_VIA=port` sends it to the one broker through that port of 127.0.0.1, whatever address the broker gives;
`BROKER_VIA=from:to` sends it so to one of several, that which listens at `from`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from aiokafka import client
from redis.asyncio.connection import AbstractConnection

from metering.cli.checkpointer import run_checkpointer
from metering.ledger.scripts import Script
from metering.observe.logs import configure_logging
from metering.observe.steps import Step, Steps
from metering.settings import load_settings
from metering.worker.app import run_worker

APPLY_SENT = "apply_sent"
"""Between `priced` and `applied`: the call is with the kernel, the answer is not read."""


class DieAt(Steps):
    """Ends the process at a step, the way a loss of power would: nothing is closed, nothing is said."""

    def __init__(self, step: str, count: int) -> None:
        self._step = step
        self._left = count

    def reached(self, step: Step, bucket: int) -> None:  # noqa: ARG002  whichever bucket comes there first
        self.count(step.value)

    def count(self, step: str) -> None:
        if step == self._step:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def read_death() -> DieAt:
    """What `DIE_AT` says; a step that never comes where it says nothing."""
    step, _, count = os.environ.get("DIE_AT", "").partition(":")
    if step:
        assert step == APPLY_SENT or Step(step)
    return DieAt(step, int(count or 1))


def watch_apply(death: DieAt) -> None:
    """Count a call of the script `apply` when its last byte has been handed to the kernel."""
    send = AbstractConnection.send_packed_command
    name = Script.named("apply").name.encode()

    async def send_and_count(self: AbstractConnection, command: Any, *arguments: Any, **options: Any) -> None:
        await send(self, command, *arguments, **options)
        parts = [command] if isinstance(command, bytes | str) else command
        if any(name in bytes(part) for part in parts if isinstance(part, bytes | memoryview)):
            death.count(APPLY_SENT)

    AbstractConnection.send_packed_command = send_and_count  # type: ignore[method-assign]


def shift_clock(path: Path) -> None:
    """Add what stands in the file to the wall clock of this process; its monotonic clock goes on undisturbed."""
    wall_ns = time.time_ns

    def shifted_ns() -> int:
        return wall_ns() + int(path.read_text() or 0) * 1_000_000

    time.time_ns = shifted_ns
    time.time = lambda: shifted_ns() / 1e9


def go_via(given: str) -> None:
    """Open every connection to the broker through a port of this machine, or those to one of several."""
    connect = client.create_conn
    only, _, port = given.rpartition(":")

    async def connect_via(host: str, asked: int, **options: Any) -> Any:
        return await connect(host, int(port) if only in {"", str(asked)} else asked, **options)

    client.create_conn = connect_via


def main() -> int:
    """Run the program that the command line names."""
    settings = load_settings()
    configure_logging(settings.log.level, settings.log.format)
    death = read_death()
    watch_apply(death)
    if path := os.environ.get("CLOCK_OFFSET"):
        shift_clock(Path(path))
    if via := os.environ.get("BROKER_VIA"):
        go_via(via)
    return {"worker": run_worker, "checkpointer": run_checkpointer}[sys.argv[1]](settings, death)


if __name__ == "__main__":
    sys.exit(main())
