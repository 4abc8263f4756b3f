"""A producer as aiokafka's, over the model broker: batches in order for each partition, repeated until acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from aiokafka.errors import (
    ConcurrentTransactions,
    IllegalOperation,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
)
from aiokafka.structs import RecordMetadata, TopicPartition

from tests.simulation.broker import Broker, NewRecord, Partition
from tests.simulation.network import Network, Unanswered

T = TypeVar("T")

BATCH_RECORDS_MAX = 3
"""So few that a publication comes in several batches."""
ATTEMPTS = 3
PAUSE_SECONDS = 0.1
CONCURRENT_PAUSE_SECONDS = 0.02


class Batch:
    """Records under way together."""

    def __init__(self) -> None:
        self.records: list[NewRecord] = []

    def append(
        self,
        *,
        key: bytes | None,
        value: bytes | None,
        timestamp: int | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> int | None:
        """Add a record; None when the batch is full. The broker stamps them."""
        assert timestamp is None or timestamp > 0
        if len(self.records) == BATCH_RECORDS_MAX:
            return None
        self.records.append(NewRecord(key, value, tuple(headers)))
        return 1

    def record_count(self) -> int:
        """Return how many there are."""
        return len(self.records)


class SimulatedProducer:
    """Of one process. With a transactional id it fences whoever had it before; idempotent it never doubles a batch."""

    def __init__(
        self, broker: Broker, network: Network, name: str, *, transactional_id: str | None = None, idempotent: bool
    ) -> None:
        self._broker = broker
        self._network = network
        self._name = name
        self._id = transactional_id
        self._idempotent = idempotent
        self._epoch: int | None = None
        self._number = 0
        self._used = False
        self._in_transaction = False
        self._batches = 0
        self._sending: set[asyncio.Task[None]] = set()
        self._tails: dict[Partition, asyncio.Future[RecordMetadata]] = {}

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Let go. What is under way may still arrive."""

    def create_batch(self) -> Batch:
        """Return an empty batch."""
        return Batch()

    def fill_batch(self, keys: Sequence[bytes], values: Sequence[bytes], first: int = 0) -> Batch:
        """Return a batch of the records from place `first` on, as many as it takes."""
        batch = Batch()
        for key, value in zip(keys[first:], values[first:], strict=True):
            if batch.append(key=key, value=value, timestamp=None) is None:
                break
        return batch

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[RecordMetadata]:
        """Hand a batch over; the future tells where it went."""
        if self._id is not None and not self._in_transaction:
            raise IllegalOperation("no transaction is open")
        loop = asyncio.get_running_loop()
        where = (topic, partition)
        delivery: asyncio.Future[RecordMetadata] = loop.create_future()
        before = self._tails.get(where)
        self._tails[where] = delivery
        self._batches += 1
        self._used = True
        task = loop.create_task(self._deliver(batch.records, where, self._batches, before, delivery))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        return delivery

    async def begin_transaction(self) -> None:
        """Begin; the first one takes the id."""
        assert self._id is not None
        if self._in_transaction:
            raise IllegalOperation("a transaction is open")
        if self._epoch is None:
            self._epoch = await self._repeat(lambda: self._broker.begin_id(str(self._id)))
        self._number = self._broker.number_of(self._id)
        self._in_transaction, self._used = True, False

    async def send_offsets_to_transaction(self, offsets: dict[TopicPartition, int], _: str) -> None:
        """Add the group's offsets."""
        plain = {(where.topic, where.partition): offset for where, offset in offsets.items()}
        self._used = True
        await self._repeat(lambda: self._broker.offsets_in(str(self._id), self._epoch or 0, plain))

    async def commit_transaction(self) -> None:
        """Commit; an empty one asks nobody."""
        if self._used:
            number = self._number
            await self._repeat(lambda: self._broker.end(str(self._id), self._epoch or 0, number))
        self._in_transaction = False

    async def _deliver(
        self,
        records: list[NewRecord],
        where: Partition,
        number: int,
        before: asyncio.Future[RecordMetadata] | None,
        delivery: asyncio.Future[RecordMetadata],
    ) -> None:
        if before is not None:
            await asyncio.wait([before])
        batch = (self._name, number)

        def append() -> int:
            if self._id is not None:
                return self._broker.produce_in(self._id, self._epoch or 0, where, records, batch)
            return self._broker.produce(where, records, batch if self._idempotent else None)

        try:
            offset = await self._repeat(append)
        except KafkaError as error:
            if not delivery.done():
                delivery.set_exception(error)
            return
        if not delivery.done():
            delivery.set_result(RecordMetadata(*where, TopicPartition(*where), offset, 0, 1, 0))

    async def _repeat(self, work: Callable[[], T]) -> T:
        """Ask until answered, a few times. Raises what the broker answers, or `KafkaTimeoutError`."""
        attempts = 0
        while attempts < ATTEMPTS:
            try:
                return await self._network.call("kafka", work)
            except Unanswered:
                attempts += 1
                await asyncio.sleep(PAUSE_SECONDS)
            except ConcurrentTransactions:
                # The last one's markers are under way.
                await asyncio.sleep(CONCURRENT_PAUSE_SECONDS)
        raise KafkaTimeoutError


async def ask(network: Network, work: Callable[[], T]) -> T:
    """Ask the broker once. Raises `KafkaConnectionError`."""
    try:
        return await network.call("kafka", work)
    except Unanswered as error:
        raise KafkaConnectionError("the broker did not answer") from error
