"""Publishes what a bucket applied: in one transaction, or in a safe order without one. Leaves when to `bucket`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, InvalidProducerEpoch, KafkaError, ProducerFenced
from msgspec import Struct
from prometheus_client import Counter

from metering.contracts.entries import Position
from metering.contracts.topics import Topic
from metering.errors import Retryable
from metering.ledger.made import EntryMade
from metering.ledger.till import LedgerEnd
from metering.observe.steps import NO_STEPS, Step, Steps
from metering.worker.kafka import Kafka
from metering.worker.ledger_tail import find_ledger_end
from metering.worker.outputs import Output
from metering.worker.sending import Outbound, await_all
from metering.worker.tasks import end_tasks

STOP_SECONDS_MAX = 10.0


class Publication(Struct, frozen=True):
    """What is published together: entries in their order, side outputs, and the position after all of it."""

    entries: Sequence[EntryMade]
    sides: Sequence[Output]
    position: Position


class Fenced(Exception):
    """Another worker owns the bucket now: drop what is in memory."""


class Publisher(Protocol):
    """How a bucket publishes. `start` comes first in a claim; `publish` returns the ledger's end after it."""

    async def start(self) -> None:
        """Take over publishing for the bucket."""

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
            await producer.start()
            # The id is taken with the first transaction; an empty one takes it now, before the ledger is read.
            await producer.begin_transaction()
            await producer.commit_transaction()
        except (KafkaError, IllegalOperation, OSError) as error:
            await _stop_quietly(producer)
            raise _translated(error) from error
        except BaseException:
            await _stop_quietly(producer)
            raise
        self._producer = producer

    async def publish(self, publication: Publication, end: LedgerEnd) -> LedgerEnd:
        """1. Begin. 2. Entries and side outputs. 3. Offsets. 4. Commit.

        A stop before 4 leaves nothing visible: the next claim aborts it and publishes again from the outbox. A stop
        after 4 leaves everything visible and the outbox untrimmed: the next claim sees the entries in the ledger.
        """
        producer = self._producer
        if producer is None:
            raise Retryable("the bucket's producer is not started")
        outbound = Outbound(self._kafka, producer, self._bucket)
        try:
            await producer.begin_transaction()
            self._steps.reached(Step.TRANSACTION_BEGUN, self._bucket)
            sent = await outbound.send_all(Topic.LEDGER, *_records(publication.entries))
            sides = await outbound.send(publication.sides)
            # They go to the coordinator while the records go to their leaders: it is one transaction all the same.
            group = self._kafka.settings.group
            offsets = asyncio.create_task(
                producer.send_offsets_to_transaction(self._offsets(publication.position), group)
            )
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
        except (KafkaError, IllegalOperation, OSError) as error:
            await self.stop()
            translated = _translated(error)
            self._ended.labels("fenced" if isinstance(translated, Fenced) else "aborted").inc()
            raise translated from error
        self._ended.labels("committed").inc()
        if not publication.entries:
            return end
        last = publication.entries[-1]
        delivery, count = sent[-1]
        # + 1 for the entry; the commit's own marker stands behind it and is passed over by readers.
        return LedgerEnd(last.seq, last.chunk, delivery.result().offset + count)

    async def stop(self) -> None:
        """Stop the producer; what it had open is aborted by its successor."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop_quietly(producer)

    def _offsets(self, position: Position) -> dict[TopicPartition, int]:
        return {
            TopicPartition(self._kafka.topic(Topic.USAGE), self._bucket): position.usage,
            TopicPartition(self._kafka.topic(Topic.COMMANDS), self._bucket): position.commands,
        }


class PlainPublisher:
    """At least once, repeat-safe: readers drop what does not continue the chain of seq and chunk."""

    def __init__(
        self,
        kafka: Kafka,
        bucket: int,
        producer: AIOKafkaProducer,
        consumer: AIOKafkaConsumer,
        steps: Steps = NO_STEPS,
    ) -> None:
        self._kafka = kafka
        self._bucket = bucket
        self._steps = steps
        self._outbound = Outbound(kafka, producer, bucket)
        self._consumer = consumer

    async def start(self) -> None:
        """Nothing to take over: the token in Redis and the chain in the ledger decide who counts."""

    async def publish(self, publication: Publication, end: LedgerEnd) -> LedgerEnd:
        """1. Side outputs, awaited. 2. The ledger in order, awaited. 3. Had someone else written? 4. Offsets.

        A stop after 1 repeats side outputs, which carry the same ids. A stop after 2 leaves entries that the next claim
        finds. If someone wrote in between, the ledger is read again: its end must be our last entry, else `Fenced`.
        """
        try:
            await await_all(await self._outbound.send(publication.sides))
            if publication.entries:
                end = await self._publish_entries(publication.entries, end)
            self._steps.reached(Step.RESULTS_PRODUCED, self._bucket)
            await self._commit(publication.position)
            self._steps.reached(Step.COMMITTED, self._bucket)
        except (KafkaError, IllegalOperation, OSError) as error:
            raise _translated(error) from error
        return end

    async def stop(self) -> None:
        """Nothing of its own to stop."""

    async def _publish_entries(self, entries: Sequence[EntryMade], end: LedgerEnd) -> LedgerEnd:
        sent = await self._outbound.send_all(Topic.LEDGER, *_records(entries))
        await await_all([delivery for delivery, _ in sent])
        offset = end.offset_next
        for delivery, count in sent:
            if delivery.result().offset != offset:
                return await self._check_still_mine(entries, end)
            offset += count
        last = entries[-1]
        return LedgerEnd(last.seq, last.chunk, offset)

    async def _check_still_mine(self, entries: Sequence[EntryMade], end: LedgerEnd) -> LedgerEnd:
        found = await find_ledger_end(self._kafka, self._bucket, end)
        last = entries[-1]
        if (found.seq, found.chunk) != (last.seq, last.chunk):
            raise Fenced
        return found

    async def _commit(self, position: Position) -> None:
        offsets = {
            TopicPartition(self._kafka.topic(Topic.USAGE), self._bucket): position.usage,
            TopicPartition(self._kafka.topic(Topic.COMMANDS), self._bucket): position.commands,
        }
        assigned = self._consumer.assignment()
        if all(partition in assigned for partition in offsets):
            # Only a hint for lag tools here: a claim takes its position from Redis or the books.
            await self._consumer.commit(offsets)


def _records(entries: Sequence[EntryMade]) -> tuple[list[bytes], list[bytes]]:
    """Return the keys and the values of entries."""
    return [made.carried.customer.encode() for made in entries], [made.value for made in entries]


def _translated(error: Exception) -> Exception:
    if isinstance(error, ProducerFenced | InvalidProducerEpoch):
        return Fenced()
    return Retryable(f"publishing failed: {type(error).__name__}: {error}")


async def _stop_quietly(producer: AIOKafkaProducer) -> None:
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(STOP_SECONDS_MAX):
            await producer.stop()
