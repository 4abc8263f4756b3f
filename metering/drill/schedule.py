"""A seeded order of faults, and what became of each. Leaves what a fault does to whoever made it."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import structlog
from msgspec import Struct

log = structlog.get_logger(__name__)

Inject = Callable[[random.Random], Awaitable[float | None]]
"""Lets something go wrong and mends it again. Returns the seconds until decisions flowed again, where it measures."""


class Fault(Struct, frozen=True):
    """One thing that can go wrong, and the family that it belongs to."""

    family: str
    name: str
    inject: Inject


class Injected(Struct, frozen=True):
    """A fault that was injected. Times in seconds; `at_seconds` counts from the beginning of the schedule."""

    family: str
    name: str
    at_seconds: float
    lasted_seconds: float
    recovered_seconds: float | None


class Schedule:
    """Injects faults one after another, with pauses in between. The same seed gives the same order and the same pauses.

    The moments of the stream at which they fall are not repeatable: processes and servers are real.
    """

    def __init__(self, faults: Sequence[Fault], seed: int, pause_seconds: tuple[float, float]) -> None:
        """Describe the schedule. Between two faults lies a random pause of `pause_seconds`, least and most."""
        self.injected: list[Injected] = []
        self._faults = list(faults)
        self._random = random.Random(seed)  # noqa: S311  an order that can be repeated, no secret
        self._pause_seconds = pause_seconds
        self._started = time.monotonic()

    async def run_each(self, families: bool = False) -> None:  # noqa: FBT001, FBT002  named by every caller
        """Inject every fault once, in a random order; with `families`, one of each family."""
        order = self._random.sample(self._faults, len(self._faults))
        seen: set[str] = set()
        for fault in order:
            if families and fault.family in seen:
                continue
            seen.add(fault.family)
            await self._inject(fault)

    async def repeat(self, family: str, name: str, times: int) -> None:
        """Inject one fault so many times."""
        fault = next(one for one in self._faults if (one.family, one.name) == (family, name))
        for _ in range(times):
            await self._inject(fault)

    async def run_for(self, seconds: float) -> None:
        """Inject faults for `seconds`: all of them in a random order, then all again in another."""
        deadline = time.monotonic() + seconds
        while True:
            for fault in self._random.sample(self._faults, len(self._faults)):
                if time.monotonic() >= deadline:
                    return
                await self._inject(fault)

    def counts(self) -> dict[str, int]:
        """Return how often each fault was injected, by `family/name`."""
        return dict(sorted(Counter(f"{one.family}/{one.name}" for one in self.injected).items()))

    def recoveries(self) -> list[float]:
        """Return the seconds until decisions flowed again, of the faults that measure it."""
        return [one.recovered_seconds for one in self.injected if one.recovered_seconds is not None]

    async def _inject(self, fault: Fault) -> None:
        await asyncio.sleep(self._random.uniform(*self._pause_seconds))
        started = time.monotonic()
        at = started - self._started
        log.info("fault", family=fault.family, fault=fault.name, at_seconds=round(at, 1))
        # A generator of its own: what one fault draws must not change which comes next.
        recovered = await fault.inject(random.Random(self._random.random()))  # noqa: S311  as above
        lasted = time.monotonic() - started
        self.injected.append(Injected(fault.family, fault.name, at, lasted, recovered))
        log.info("fault_over", fault=fault.name, lasted_seconds=round(lasted, 1), recovered_seconds=recovered)
