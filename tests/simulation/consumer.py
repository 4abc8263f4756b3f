"""Consumers as aiokafka's, over the model broker: of a group, and of one partition. Leaves who gets what to `group`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import ConsumerRecord
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import TopicPartition

from metering.record_batches import Progress
from tests.simulation.broker import Broker, Partition, Stored
from tests.simulation.network import Network, Unanswered
from tests.simulation.producer import ask

LOG_APPEND_TIME = 1


class Reading:
    """How far each assigned partition is read, and what the last answer said of its end."""

    def __init__(self, broker: Broker, network: Network, rng: random.Random) -> None:
        self._broker = broker
        self._network = network
        self._rng = rng
        self._positions: dict[Partition, int] = {}
        self._ends: dict[Partition, tuple[int, int]] = {}
        """High-water mark and last stable offset."""
        self._polled_ms: dict[Partition, int] = {}
        """When the last answer came."""
        self._paused: set[Partition] = set()
        self._quiet = 0

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Let go."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from an offset."""
        self._check(partition)
        self._positions[partition] = offset

    async def position(self, partition: TopicPartition) -> int:
        """Return the next offset."""
        self._check(partition)
        return self._positions[partition]

    def highwater(self, partition: TopicPartition) -> int | None:
        """Return the end as the last answer had it."""
        self._check(partition)
        return self._ends[partition][0] if partition in self._ends else None

    def last_stable_offset(self, partition: TopicPartition) -> int | None:
        """Return the end for read-committed readers as the last answer had it."""
        self._check(partition)
        return self._ends[partition][1] if partition in self._ends else None

    def last_poll_timestamp(self, partition: TopicPartition) -> int | None:
        """Return when the last answer came; milliseconds."""
        self._check(partition)
        return self._polled_ms.get(partition)

    def progress(self, partition: TopicPartition) -> Progress:
        """Return all of these at once."""
        self._check(partition)
        end, stable = self._ends.get(partition, (None, None))
        return Progress(
            self._positions[partition], stable or end, self._polled_ms.get(partition), partition in self._paused
        )

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        """Return some of what is there; nothing after `timeout_ms` without any."""
        wanted = {p: self._positions[p] for p in sorted(partitions or self._positions) if p not in self._paused}
        most = self._rng.randint(1, 12 if max_records is None else min(12, max_records))
        found: dict[Partition, tuple[list[Stored], int, int, int]] = {}
        if wanted:
            try:
                found = await self._network.call("kafka", lambda: self._fetch(wanted, most))
            except Unanswered:
                return {}
        read: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]] = {}
        for partition, (stored, position, end, stable) in found.items():
            if self._positions.get(partition) != wanted[partition] or partition in self._paused:
                continue
            self._positions[partition] = position
            self._ends[partition] = (end, stable)
            self._polled_ms[partition] = int(asyncio.get_running_loop().time() * 1_000)
            if stored:
                read[TopicPartition(*partition)] = [_record(partition, one) for one in stored]
        if not read:
            # A quiet one is asked less often than in real life: nothing else would happen meanwhile.
            self._quiet = min(self._quiet + 1, 4)
            await asyncio.sleep(timeout_ms / 1_000 * self._quiet)
        else:
            self._quiet = 0
        return read

    def _fetch(self, wanted: dict[Partition, int], most: int) -> dict[Partition, tuple[list[Stored], int, int, int]]:
        found = {}
        for partition, position in wanted.items():
            if self._rng.random() < 0.15:
                continue
            log = self._broker.log(partition)
            found[partition] = (*log.read(position, most), log.end, log.stable)
        return found

    def _check(self, partition: Partition) -> None:
        if partition not in self._positions:
            raise IllegalStateError(f"{partition} is not assigned")


class Reader(Reading):
    """Of one partition, without a group."""

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Read these."""
        self._positions = dict.fromkeys(partitions, 0)


class GroupConsumer(Reading):
    """A member of the group. `generation` is the one that it knows of."""

    def __init__(self, broker: Broker, network: Network, rng: random.Random, group: Any) -> None:
        super().__init__(broker, network, rng)
        self.generation = -1
        self.listener: Any = None
        self._group = group
        self._changing = asyncio.Lock()
        """One change of the assignment after another."""

    def subscribe(self, _: list[str], *, listener: Any) -> None:
        """Want both input topics."""
        self.listener = listener

    async def start(self) -> None:
        """Join."""
        self._group.join(self)

    async def stop(self) -> None:
        """Leave."""
        self._group.leave(self)

    def assignment(self) -> frozenset[TopicPartition]:
        """Return what it believes to be its own."""
        return frozenset(TopicPartition(*partition) for partition in self._positions)

    def paused(self) -> frozenset[Partition]:
        """Return what is held back."""
        return frozenset(self._paused)

    def pause(self, *partitions: TopicPartition) -> None:
        """Hold back."""
        for partition in partitions:
            self._check(partition)
            self._paused.add(partition)

    def resume(self, *partitions: TopicPartition) -> None:
        """Go on."""
        for partition in partitions:
            self._check(partition)
            self._paused.discard(partition)

    async def committed(self, partition: TopicPartition) -> int | None:
        """Return the group's offset."""
        return await ask(self._network, lambda: self._broker.committed.get(partition))

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Commit offsets; refused when the group has gone on without this member."""

        def work() -> None:
            if not self._group.knows(self):
                raise CommitFailedError
            self._broker.commit({(where.topic, where.partition): offset for where, offset in offsets.items()})

        await ask(self._network, work)

    async def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Return where partitions begin: nothing is ever deleted here."""
        return await ask(self._network, lambda: dict.fromkeys(partitions, 0))

    async def take_away(self) -> None:
        """The group takes back all that it has."""
        async with self._changing:
            await self.listener.on_partitions_revoked(self.assignment())
            self._positions, self._ends, self._polled_ms, self._paused = {}, {}, {}, set()

    async def hand_over(self, partitions: Iterable[Partition], generation: int) -> None:
        """The group assigns partitions."""
        async with self._changing:
            self.generation = generation
            self._positions = {partition: self._broker.committed.get(partition, 0) for partition in partitions}
            self._ends, self._polled_ms, self._paused = {}, {}, set()
            await self.listener.on_partitions_assigned(self.assignment())


def _record(partition: Partition, stored: Stored) -> ConsumerRecord[bytes, bytes]:
    record = stored.record
    return ConsumerRecord(
        topic=partition[0],
        partition=partition[1],
        offset=stored.offset,
        timestamp=stored.timestamp_ms,
        timestamp_type=LOG_APPEND_TIME,
        key=record.key,
        value=record.value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=record.headers,
    )
