"""Publishes what a bucket applied: in one transaction, or in a safe order without one. Leaves when to `bucket`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import chain
from typing import Protocol, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, InvalidProducerEpoch, KafkaError, ProducerFenced
from msgspec import Struct
from msgspec.structs import replace
from prometheus_client import Counter

from metering.contracts.entries import Position
from metering.contracts.topics import Topic
from metering.errors import Retryable
from metering.ledger.till import LedgerEnd
from metering.observe.steps import NO_STEPS, Step, Steps
from metering.tasks import end_tasks
from metering.worker.kafka import Kafka
from metering.worker.ledger_tail import find_ledger_end
from metering.worker.made_batches import MadeBatch, press_batch
from metering.worker.offset_hints import OffsetHints
from metering.worker.outputs import Output
from metering.worker.producers import Delivery, SharedProducer, close_producer
from metering.worker.sending import Outbound, await_all

TRANSACTION_SECONDS_MAX = 60.0
"""After this a transaction, or the taking of its id, is given up, and its bucket claims. The broker itself aborts one
after `TRANSACTION_TIMEOUT_MS`; the client would go on asking for as long as it takes."""

PRESSED_ENTRIES_MIN = 200
"""From so many on a batch of its own is not dearer an entry than one that is full."""

_CLIENT_ERRORS = (KafkaError, IllegalOperation, OSError, AssertionError, RuntimeError)
"""What the client raises. By assertions it tells of a producer that has failed while nobody waited for anything; uvloop
tells of a connection that was closed meanwhile by a `RuntimeError`."""


class Publication(Struct, frozen=True):
    """What is published together: entries in their order, side outputs, and the position after all of it.

    Entries are no more than records here: what they were made of is let go of as soon as they are. Those that are
    batches already stand in `pressed`: each batch, how many entries it has, and how many of `values` come before it.
    """

    keys: Sequence[bytes]
    values: Sequence[bytes]
    sides: Sequence[Output]
    position: Position
    seq: int
    """Of the last entry; 0 where there is none."""
    chunk: str
    pressed: Sequence[tuple[MadeBatch, int, int]] = ()

    @property
    def entries(self) -> int:
        """How many entries it has."""
        return len(self.values) + (sum([count for _, count, _ in self.pressed]) if self.pressed else 0)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return several that follow each other as one."""
        if len(parts) == 1:
            return parts[0]
        keys = list(chain.from_iterable(part.keys for part in parts))
        values = list(chain.from_iterable(part.values for part in parts))
        sides = list(chain.from_iterable(part.sides for part in parts))
        pressed: list[tuple[MadeBatch, int, int]] = []
        before = 0
        for part in parts:
            pressed += [(batch, count, before + at) for batch, count, at in part.pressed]
            before += len(part.values)
        last = max(parts, key=lambda part: part.seq)
        return cls(keys, values, sides, parts[-1].position, last.seq, last.chunk, tuple(pressed))

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for an answer in it."""
        return bool(self.sides) and any(output.topic is Topic.ANSWERS for output in self.sides)


class Fenced(Exception):
    """Another worker owns the bucket now: drop what is in memory."""


class Publisher(Protocol):
    """How a bucket publishes. `start` comes first in a claim; `publish` returns the ledger's end after it."""

    async def start(self) -> None:
        """Take over publishing for the bucket."""

    def press(self, publication: Publication) -> Publication:
        """Return it as it takes less memory while it waits for others to be published with."""
        ...

    async def publish(self, publication: Publication, end: LedgerEnd) -> LedgerEnd:
        """Publish after `end`. Raises `Fenced`, or `Retryable` when it is not known what was written: claim again."""
        ...

    async def stop(self) -> None:
        """Let go. Never raises."""


class TransactionalPublisher:
    """Exactly once: entries, side outputs and offsets become visible together or not at all."""

    def __init__(self, kafka: Kafka, bucket: int, ended: Counter, steps: Steps = NO_STEPS) -> None:
        """Prepare. `ended` counts transactions by how they ended."""
        self._kafka = kafka
        self._bucket = bucket
        self._ended = ended
        self._steps = steps
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Start the bucket's one producer: fences the last owner and aborts what it left open."""
        await self.stop()
        producer = self._kafka.transactional_producer(self._bucket)
        try:
            async with asyncio.timeout(TRANSACTION_SECONDS_MAX):
                await producer.start()
                # The id is taken with the first transaction; an empty one takes it now, before the ledger is read.
                await producer.begin_transaction()
                await producer.commit_transaction()
        except _CLIENT_ERRORS as error:
            await close_producer(producer)
            raise _translated(error) from error
        except BaseException:
            await close_producer(producer)
            raise
        self._producer = producer

    def press(self, publication: Publication) -> Publication:
        """Put what fills batches of its own into them at once; small chunks share one with others."""
        producer, values = self._producer, publication.values
        if producer is None or len(values) < PRESSED_ENTRIES_MIN:
            return publication
        batches = Outbound(self._kafka, producer, self._bucket).fill(publication.keys, values)
        pressed = [(press_batch(batch), count, 0) for batch, count in batches]
        return replace(publication, keys=[], values=[], pressed=pressed)

    async def publish(self, publication: Publication, end: LedgerEnd) -> LedgerEnd:
        """1. Begin. 2. Entries and side outputs. 3. Offsets. 4. Commit.

        A stop before 4 leaves nothing visible: the next claim aborts it and publishes again from the outbox. A stop
        after 4 leaves everything visible and the outbox untrimmed: the next claim sees the entries in the ledger.
        """
        producer = self._producer
        if producer is None:
            raise Retryable("the bucket's producer is not started")
        try:
            async with asyncio.timeout(TRANSACTION_SECONDS_MAX):
                sent = await self._publish_through(producer, publication)
        except _CLIENT_ERRORS as error:
            await self.stop()
            translated = _translated(error)
            self._ended.labels("fenced" if isinstance(translated, Fenced) else "aborted").inc()
            raise translated from error
        self._ended.labels("committed").inc()
        if not publication.entries:
            return end
        delivery, count = sent[-1]
        # + 1 for the entry; the commit's own marker stands behind it and is passed over by readers.
        return LedgerEnd(publication.seq, publication.chunk, delivery.result().offset + count)

    async def _publish_through(
        self, producer: AIOKafkaProducer, publication: Publication
    ) -> list[tuple[Delivery, int]]:
        outbound = Outbound(self._kafka, producer, self._bucket)
        await producer.begin_transaction()
        self._steps.reached(Step.TRANSACTION_BEGUN, self._bucket)
        sent: list[tuple[Delivery, int]] = []
        keys, values, first = publication.keys, publication.values, 0
        for batch, count, before in publication.pressed:
            sent += await outbound.send_all(Topic.LEDGER, keys[first:before], values[first:before])
            sent.append((await outbound.send_filled(Topic.LEDGER, batch), count))
            first = before
        sent += await outbound.send_all(Topic.LEDGER, keys[first:], values[first:])
        sides = await outbound.send(publication.sides)
        # They go to the coordinator while the records go to their leaders: it is one transaction all the same.
        after = _offsets(self._kafka, self._bucket, publication.position)
        offsets = asyncio.create_task(producer.send_offsets_to_transaction(after, self._kafka.settings.group))
        try:
            await await_all([delivery for delivery, _ in sent])
            await await_all(sides)
            self._steps.reached(Step.RESULTS_PRODUCED, self._bucket)
            await offsets
        finally:
            await end_tasks(offsets)
        self._steps.reached(Step.OFFSETS_SENT, self._bucket)
        await producer.commit_transaction()
        self._steps.reached(Step.COMMITTED, self._bucket)
        return sent

    async def stop(self) -> None:
        """Stop the producer; what it had open is aborted by its successor."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await close_producer(producer)


class PlainPublisher:
    """At least once, repeat-safe: readers drop what does not continue the chain of seq and chunk."""

    def __init__(
        self,
        kafka: Kafka,
        bucket: int,
        producer: SharedProducer,
        consumer: AIOKafkaConsumer,
        steps: Steps = NO_STEPS,
    ) -> None:
        self._kafka = kafka
        self._bucket = bucket
        self._steps = steps
        self._outbound = Outbound(kafka, producer, bucket)
        self._hints = OffsetHints(consumer)

    def press(self, publication: Publication) -> Publication:
        """Leave it: without transactions nothing is compressed."""
        return publication

    async def start(self) -> None:
        """Nothing to take over: the token in Redis and the chain in the ledger decide who counts."""

    async def publish(self, publication: Publication, end: LedgerEnd) -> LedgerEnd:
        """1. Side outputs, awaited. 2. The ledger in order, awaited. 3. Had someone else written? 4. Offsets.

        A stop after 1 repeats side outputs, which carry the same ids. A stop after 2 leaves entries that the next claim
        finds. If someone wrote in between, the ledger is read again: its end must be our last entry, else `Fenced`.
        """
        try:
            await await_all(await self._outbound.send(publication.sides))
            if publication.values:
                end = await self._publish_entries(publication, end)
            self._steps.reached(Step.RESULTS_PRODUCED, self._bucket)
            # Only a hint for lag tools here: a claim takes its position from Redis or the books.
            self._hints.tell(_offsets(self._kafka, self._bucket, publication.position))
            self._steps.reached(Step.COMMITTED, self._bucket)
        except _CLIENT_ERRORS as error:
            raise _translated(error) from error
        return end

    async def stop(self) -> None:
        """Let go of the hints that are under way."""
        await self._hints.stop()

    async def _publish_entries(self, publication: Publication, end: LedgerEnd) -> LedgerEnd:
        sent = await self._outbound.send_all(Topic.LEDGER, publication.keys, publication.values)
        await await_all([delivery for delivery, _ in sent])
        offset = end.offset_next
        for delivery, count in sent:
            if delivery.result().offset != offset:
                return await self._check_still_mine(publication, end)
            offset += count
        return LedgerEnd(publication.seq, publication.chunk, offset)

    async def _check_still_mine(self, publication: Publication, end: LedgerEnd) -> LedgerEnd:
        found = await find_ledger_end(self._kafka, self._bucket, end)
        if (found.seq, found.chunk) != (publication.seq, publication.chunk):
            raise Fenced
        return found


def _offsets(kafka: Kafka, bucket: int, position: Position) -> dict[TopicPartition, int]:
    return {
        TopicPartition(kafka.topic(Topic.USAGE), bucket): position.usage,
        TopicPartition(kafka.topic(Topic.COMMANDS), bucket): position.commands,
    }


def _translated(error: Exception) -> Exception:
    if isinstance(error, ProducerFenced | InvalidProducerEpoch):
        return Fenced()
    why = str(error) or f"no end within {TRANSACTION_SECONDS_MAX:.0f} s"
    cause = f" ({error.__cause__!r})" if error.__cause__ is not None else ""
    return Retryable(f"publishing failed: {type(error).__name__}: {why}{cause}")
