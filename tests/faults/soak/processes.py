"""Faults of workers, checkpointers and their clocks. Leaves servers to `stores` and `brokers`."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from contextlib import suppress

from metering.drill.schedule import Fault
from metering.embedded.process import Process
from metering.observe.steps import Step
from tests.faults.program import APPLY_SENT
from tests.faults.soak.world import World
from tests.waiting import wait_until

DEATH_SECONDS_MAX = 20.0
HOUR_MS = 3_600_000


class ProcessFaults:
    """Each method is a fault: it lets it happen, and mends it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._fleet = world.fleet

    def faults(self) -> list[Fault]:
        """All of them."""
        return [
            # Thrice in every turn: how soon decisions flow again is a figure of its own.
            *[Fault("worker", "killed", self.worker_killed)] * 3,
            Fault("worker", "killed_at_a_step", self.worker_killed_at_a_step),
            Fault("zombie", "worker_stopped_past_its_session", self.worker_stopped),
            Fault("rebalance", "scaled_1_4_2", self.scaled),
            Fault("checkpointer", "killed", self.checkpointer_killed),
            Fault("checkpointer", "killed_at_a_step", self.checkpointer_killed_at_a_step),
            Fault("checkpointer", "two_of_which_one_is_stopped", self.checkpointer_stopped),
            Fault("clock", "stepped_forward_and_back", self.clock_stepped),
        ]

    async def worker_killed(self, rng: random.Random) -> float | None:
        """kill -9 of a worker that has buckets: of one that has none yet nobody would notice."""
        victims = self._fleet.victims
        if not victims:
            return None
        victim = rng.choice(victims)
        with suppress(AssertionError):
            await wait_until(lambda: has_buckets(victim), seconds_max=DEATH_SECONDS_MAX)
        killed = time.monotonic()
        self._fleet.kill(victim)
        return await self._world.pulse.flowing(killed)

    async def worker_killed_at_a_step(self, rng: random.Random) -> float | None:
        """kill -9 at a numbered step, of a worker that came in addition."""
        step = rng.choice([APPLY_SENT, *steps_of_a_run()])
        process = self._fleet.add_worker(die_at=f"{step}:{rng.randint(1, 5)}")
        await self._fleet.await_death(process, DEATH_SECONDS_MAX)
        return await self._world.pulse.flowing(time.monotonic())

    async def worker_stopped(self, rng: random.Random) -> float | None:
        """SIGSTOP until the group has given its buckets away, then SIGCONT."""
        victims = self._fleet.victims
        if not victims:
            return None
        pid = rng.choice(victims).pid
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(self._world.session_seconds + rng.uniform(1.0, 3.0))
        finally:
            os.kill(pid, signal.SIGCONT)
        await self._world.pulse.flowing(time.monotonic())
        return None

    async def scaled(self, rng: random.Random) -> float | None:
        """One worker, four, and back to what it was, without waiting for calm."""
        usual = self._fleet.workers_wanted
        await self._fleet.scale(1)
        await self._fleet.scale(4)
        await asyncio.sleep(rng.uniform(4.0, 8.0))
        await self._fleet.scale(usual)
        await self._world.pulse.flowing(time.monotonic())
        return None

    async def checkpointer_killed(self, rng: random.Random) -> float | None:
        """kill -9 at any moment."""
        if self._fleet.checkpointers:
            self._fleet.kill(rng.choice(self._fleet.checkpointers))
        return None

    async def checkpointer_killed_at_a_step(self, rng: random.Random) -> float | None:
        """kill -9 at a step of a flush, of one that takes over."""
        step = rng.choice(steps_of_a_flush())
        process = self._fleet.add_checkpointer(die_at=f"{step}:{rng.randint(1, 3)}")
        await self._fleet.await_death(process, DEATH_SECONDS_MAX)
        return None

    async def checkpointer_stopped(self, rng: random.Random) -> float | None:
        """SIGSTOP past its session while a second one takes over; SIGCONT."""
        if not self._fleet.checkpointers:
            return None
        pid = rng.choice(self._fleet.checkpointers).pid
        self._fleet.checkpointers_wanted = 2
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(self._world.session_seconds + rng.uniform(1.0, 3.0))
        finally:
            os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(1.0)
        self._fleet.checkpointers_wanted = 1
        return None

    async def clock_stepped(self, rng: random.Random) -> float | None:
        """Two hours ahead, two behind, and right again."""
        for hours in (2, -2, 0):
            self._fleet.shift_clock(hours * HOUR_MS)
            await asyncio.sleep(rng.uniform(1.0, 2.5))
        await self._world.pulse.flowing(time.monotonic())
        return None


def has_buckets(worker: Process) -> bool:
    """Whether a worker has been given buckets, and has claimed one."""
    return "bucket_claimed" in worker._log_path.read_text(errors="replace")


def steps_of_a_run() -> list[str]:
    """Steps that every worker comes to under traffic."""
    steps = list(Step)
    return [step.value for step in steps[steps.index(Step.CLAIMED) : steps.index(Step.BOOKS_OPENED)]]


def steps_of_a_flush() -> list[str]:
    """Steps of the checkpointer."""
    steps = list(Step)
    return [step.value for step in steps[steps.index(Step.BOOKS_OPENED) :]]
