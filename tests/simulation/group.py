"""The consumer group: who has which buckets, who is thought to be gone. Leaves reading to `consumer`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable

from tests.simulation.broker import Partition
from tests.simulation.consumer import GroupConsumer
from tests.simulation.loop import WORLD, Process, SimulatedLoop

INPUTS = ("usage", "commands")
SESSION_SECONDS = 6.0
HEARTBEAT_SECONDS = 1.5


class Group:
    """Members by name; each gets whole buckets, both topics of each."""

    def __init__(self, loop: SimulatedLoop, rng: random.Random, buckets: int) -> None:
        self.generation = 0
        self._loop = loop
        self._rng = rng
        self._buckets = buckets
        self._members: dict[GroupConsumer, Process] = {}
        self._processes: dict[GroupConsumer, Process] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def register(self, consumer: GroupConsumer, process: Process) -> None:
        """Note whose consumer it is."""
        self._processes[consumer] = process

    def knows(self, consumer: GroupConsumer) -> bool:
        """Whether it is a member of the present generation."""
        return consumer in self._members and consumer.generation == self.generation

    def join(self, consumer: GroupConsumer) -> None:
        """Take a member in."""
        self._members[consumer] = self._processes[consumer]
        self._rebalance()

    def leave(self, consumer: GroupConsumer) -> None:
        """Let a member go."""
        if self._members.pop(consumer, None) is not None:
            self._rebalance()

    def evict(self, process: Process, learns_after: float) -> None:
        """Think a member gone. If it lives, it goes on as before until it hears of it; then it joins again."""
        for consumer in self._of(process):
            self.leave(consumer)
            self._loop.later(learns_after, self._learn, consumer)

    def expire(self, process: Process) -> None:
        """No heartbeat came from a process for a whole session."""
        if not process.runs:
            self.evict(process, 0.0)

    def _of(self, process: Process) -> list[GroupConsumer]:
        return [consumer for consumer, of in self._members.items() if of is process]

    def _learn(self, consumer: GroupConsumer) -> None:
        process = self._processes[consumer]
        if process.dead or process.reaped or consumer in self._members:
            return

        async def rejoin() -> None:
            await consumer.take_away()
            self.join(consumer)

        process.spawn(rejoin())

    def _rebalance(self) -> None:
        self.generation += 1
        task = self._loop.create_task(self._redistribute(self.generation), context=WORLD.copy())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard, context=WORLD.copy())

    async def end(self) -> None:
        """Put away what is under way: a run can end while buckets are being shared out."""
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _redistribute(self, generation: int) -> None:
        asked = {}
        for consumer, process in list(self._members.items()):
            await asyncio.sleep(self._rng.random() * HEARTBEAT_SECONDS / 4)
            if generation != self.generation or process.reaped:
                return
            asked[consumer] = process.spawn(consumer.take_away())
        if asked:
            await asyncio.wait(asked.values(), timeout=SESSION_SECONDS * 2)
        if generation != self.generation:
            return
        for consumer, task in asked.items():
            if not task.done():
                self._members.pop(consumer, None)
                self._loop.later(HEARTBEAT_SECONDS, self._learn, consumer)
        members = sorted(self._members, key=lambda consumer: self._members[consumer].name)
        for index, consumer in enumerate(members):
            mine = [b for b in range(self._buckets) if b * len(members) // self._buckets == index]
            self._members[consumer].spawn(consumer.hand_over(_partitions(mine), generation))


def _partitions(buckets: Iterable[int]) -> list[Partition]:
    return [(topic, bucket) for bucket in buckets for topic in INPUTS]
