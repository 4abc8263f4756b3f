"""A run of traffic in the middle of which something goes wrong. Leaves what that is to the tests."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from metering.embedded.process import Process
from tests.end_to_end.evidence import Evidence
from tests.end_to_end.messages import event
from tests.end_to_end.proof import prove
from tests.end_to_end.system import System
from tests.end_to_end.traffic import make_traffic

MESSAGES = 700
SECONDS = 3.0
DIRT_EVERY = 20


class Run:
    """One system, one traffic, and random moments, all of one seed."""

    def __init__(self, system: System, seed: int, messages: int = MESSAGES) -> None:
        self.system = system
        self.random = random.Random(seed)
        self.traffic = make_traffic(seed, messages)
        self._mix_in_dirt()

    async def begin(self, workers: int = 1) -> list[Process]:
        """Start a checkpointer and workers, and open all customers; return the workers."""
        self.system.start_checkpointer()
        started = [self.system.start_worker() for _ in range(workers)]
        await self.open_customers()
        return started

    async def open_customers(self) -> None:
        """Open all customers; a worker must be running."""
        await self.system.send_commands(self.traffic.commands)
        await self.system.settled()

    async def with_fault(self, go_wrong: Callable[[], Awaitable[None]]) -> Evidence:
        """Send the traffic, let something go wrong in the middle of it, and check everything after it has settled."""
        sending = asyncio.create_task(self.system.send_over(SECONDS, self.traffic.events))
        try:
            await self.moment()
            await go_wrong()
            await sending
        finally:
            sending.cancel()
        return await self.settle()

    async def moment(self) -> None:
        """Let a part of the run pass: between a tenth and half of it."""
        await asyncio.sleep(SECONDS * self.random.uniform(0.1, 0.5))

    async def settle(self) -> Evidence:
        """Wait until everything has settled; check everything."""
        await self.system.settled(90.0)
        return await prove(self.system, self.traffic.totals)

    def _mix_in_dirt(self) -> None:
        """Put records among the traffic that are no events, and some that stand in the wrong partition."""
        events, totals = self.traffic.events, self.traffic.totals
        customers = list(totals)
        for number in range(len(events) // DIRT_EVERY):
            _, spent = event(customers[number % 12], f"dirt-{number}", "usage.recorded", amount_micros=1_000)
            totals[customers[number % 12]].balance_micros -= 1_000
            dirt = [(customers[(number + 5) % 12], spent), (customers[number % 12], b"{broken %d" % number)]
            for record in dirt:
                events.insert(self.random.randrange(len(events)), record)
