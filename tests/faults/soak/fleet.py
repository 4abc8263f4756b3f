"""The workers and checkpointers of a soak, kept alive the way an orchestrator would. Leaves killing them to the faults.

One worker, the veteran, is never killed: its memory is what is watched.
"""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import psutil
from msgspec import Struct

from metering.embedded.process import Process
from tests.end_to_end.system import System

RESTART_SECONDS = 1.0
"""From a death to the next process, as an orchestrator needs."""

SAMPLE_SECONDS = 2.0


class Memory(Struct, frozen=True):
    """What the veteran had in memory at a moment. Seconds since its start, bytes."""

    at_seconds: float
    rss_bytes: int


class Fleet:
    """Keeps the number of workers and checkpointers at what is wanted."""

    def __init__(self, system: System, workers: int) -> None:
        self.workers_wanted = workers
        self.checkpointers_wanted = 1
        self.memory: list[Memory] = []
        self.ended: list[str] = []
        """Processes that ended by themselves, and how; an orchestrator restarts those too."""
        self._system = system
        self._clock = system.directory / "clock-offset"
        self._clock.write_text("0")
        self._started = time.monotonic()
        self._veteran = self._start_worker()
        self._workers: list[Process] = [self._start_worker() for _ in range(workers - 1)]
        self._checkpointers: list[Process] = [self._start_checkpointer()]
        self._doomed: list[Process] = []
        self._dead_at: list[float] = []

    @property
    def victims(self) -> list[Process]:
        """The workers that may be killed."""
        return [process for process in self._workers if process.returncode is None]

    @property
    def checkpointers(self) -> list[Process]:
        """The checkpointers that run."""
        return [process for process in self._checkpointers if process.returncode is None]

    def shift_clock(self, milliseconds: int) -> None:
        """Step the wall clock of every process to so much beside the machine's."""
        temporary = Path(f"{self._clock}.new")
        temporary.write_text(str(milliseconds))
        temporary.replace(self._clock)

    def kill(self, process: Process) -> None:
        """End a process as a crash would; another will come. One that has ended by itself meanwhile is gone already."""
        if process in self._system.processes:
            self._forget(process)
            self._system.kill(process)

    def add_worker(self, die_at: str = "") -> Process:
        """Start one more worker than is kept, which dies at a step."""
        process = self._start_worker(die_at)
        self._workers.append(process)
        self._doomed.append(process)
        return process

    def add_checkpointer(self, die_at: str = "") -> Process:
        """Start one more checkpointer likewise."""
        process = self._start_checkpointer(die_at)
        self._checkpointers.append(process)
        self._doomed.append(process)
        return process

    async def await_death(self, process: Process, seconds_max: float) -> None:
        """Wait for the death of a process that was started to die; kill it when it has not in time."""
        if not await process.wait(seconds_max):
            self.kill(process)

    async def scale(self, workers: int) -> None:
        """Change the number of workers; those that are too many end in order."""
        self.workers_wanted = workers
        while len(self._workers) > workers - 1:
            process = self._workers.pop()
            process_ended = process.stop(signal.SIGTERM, 30.0)
            self._system.processes.remove(process)
            await process_ended

    async def keep(self) -> None:
        """Replace what has died, and sample the veteran's memory, until cancelled."""
        sampled = 0.0
        while True:
            self._count_ended()
            self._fill_up()
            now = time.monotonic()
            if now - sampled >= SAMPLE_SECONDS:
                sampled = now
                rss = psutil.Process(self._veteran.pid).memory_info().rss
                self.memory.append(Memory(now - self._started, rss))
            await asyncio.sleep(0.2)

    def _count_ended(self) -> None:
        for process in (self._veteran, *self._workers, *self._checkpointers):
            if process.returncode is None:
                continue
            if process in self._doomed and process.returncode == -signal.SIGKILL:
                self._doomed.remove(process)
            else:
                self.ended.append(f"{process.returncode}: {process.read_log_tail()[-800:]}")
            self._forget(process)
            self._system.processes.remove(process)
            if process is self._veteran:
                self._veteran = self._start_worker()

    def _fill_up(self) -> None:
        missing = (self.workers_wanted - 1 - len(self._workers)) + (
            self.checkpointers_wanted - len(self._checkpointers)
        )
        if missing <= 0:
            self._dead_at.clear()
            return
        if not self._dead_at:
            self._dead_at.append(time.monotonic())
        if time.monotonic() - self._dead_at[0] < RESTART_SECONDS:
            return
        self._dead_at.clear()
        while len(self._workers) < self.workers_wanted - 1:
            self._workers.append(self._start_worker())
        while len(self._checkpointers) < self.checkpointers_wanted:
            self._checkpointers.append(self._start_checkpointer())

    def _forget(self, process: Process) -> None:
        for kept in (self._workers, self._checkpointers):
            if process in kept:
                kept.remove(process)

    def _start_worker(self, die_at: str = "") -> Process:
        return self._system.start_worker(DIE_AT=die_at, CLOCK_OFFSET=str(self._clock))

    def _start_checkpointer(self, die_at: str = "") -> Process:
        return self._system.start_checkpointer(DIE_AT=die_at, CLOCK_OFFSET=str(self._clock))
