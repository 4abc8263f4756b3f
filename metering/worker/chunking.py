"""Takes records off the queue, sorts out what cannot be an input, and builds the chunk.

Leaves applying it to `bucket`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from metering.contracts.commands import Command, SetPlan, Tick
from metering.contracts.dead_letters import RETRY_OF, DeadLetter
from metering.contracts.entries import InputReference, Position
from metering.contracts.partitioning import partition_of
from metering.contracts.reasons import DeadLetterReason
from metering.contracts.topics import Topic
from metering.ledger.carried import Carried
from metering.ledger.chunk import Chunk
from metering.ledger.inputs import ChunkBuilder
from metering.ledger.keys import SKEW_MS, SLOT_MS, slot_of
from metering.rating import Catalog
from metering.record_batches import Record
from metering.worker.command_inputs import add_command, changes_prices
from metering.worker.compiled_inputs import make_reader, plain_terms
from metering.worker.customers import CustomerCache
from metering.worker.decoding import Rejected, UsageInput, decode_command, decode_usage
from metering.worker.event_inputs import add_event
from metering.worker.merging import InputQueue, InputTopic
from metering.worker.outputs import Output, dead_letter
from metering.worker.plain_inputs import add_plain
from metering.worker.rates_timeline import BEGINNING_MS, END_MS

if TYPE_CHECKING:
    from metering.native.events import PlainEvent

FORWARDED = "metering-forwarded"
"""Header of a record that was found in the wrong partition and sent on."""

_SET_ASIDE = (Output, Rejected)

CREATE_TIME = 0
"""Kafka's timestamp type of a record that its producer stamped."""


class Taken(Struct, frozen=True, gc=False):
    """One record taken for a chunk: what it is, its clock, and the position after it."""

    topic: InputTopic
    offset: int
    clock_ms: int
    after: Position
    content: Any
    """Of topic usage a `UsageInput`, of commands a `Command` or a `Tick`."""
    customer: str
    """Whom it is about; empty for a tick."""


class TakenChunk(Struct):
    """What was taken for one chunk: its inputs, and the side outputs of what could not be one."""

    start: Position
    end: Position
    inputs: list[Taken | PlainEvent]
    sides: list[Output]
    forwarded: int = 0
    rejected: list[tuple[str, DeadLetterReason]] = []

    @property
    def records(self) -> int:
        """How many records it moves the position by."""
        return self.end.usage - self.start.usage + self.end.commands - self.start.commands


class ChunkTaker:
    """Takes chunks for one bucket.

    Pure but for the queue: `now_ms` (the wall clock) only sorts out impossible stamps.
    """

    def __init__(self, bucket: int, partitions: int, window_ms: int, events_max: int) -> None:
        self._bucket = bucket
        self._partitions = partitions
        self._window_ms = window_ms
        self.events_max = events_max
        """Most events of the next chunk."""
        self._reader = make_reader(bucket, partitions, window_ms)

    def take(
        self,
        queue: InputQueue,
        start: Position,
        clock_ms: int,
        now_ms: int,
        from_ms: int = BEGINNING_MS,
        until_ms: int = END_MS,
    ) -> TakenChunk | None:
        """Take up to the most events of a chunk; None when nothing can be taken.

        A command that changes prices is last. The clock of each input lies in `from_ms` <= clock < `until_ms`, in which
        one version of the rates is in force.
        """
        chunk = TakenChunk(start, start, [], [])
        inputs, ahead_ms = chunk.inputs, now_ms + SKEW_MS
        usage, commands, limit_ms = start.usage, start.commands, until_ms
        records, before_ms = queue.usage_before()
        left, reader = self.events_max, self._reader
        while left > 0:
            # The first by itself: how far the chunk may reach depends on its clock.
            most = left if inputs else 1
            if reader is not None and (
                taken := reader.take(records, inputs, most, commands, clock_ms, from_ms, limit_ms, before_ms, ahead_ms)
            ):
                left -= taken
                clock_ms, usage = inputs[-1].clock_ms, inputs[-1].offset + 1
                limit_ms = _limit(until_ms, inputs[0].clock_ms)
                continue
            left -= 1
            topic: InputTopic = "usage"
            if records and records[0].timestamp < before_ms:
                record = records[0]
            elif (upcoming := queue.peek()) is not None:
                topic, record = upcoming.topic, upcoming.record
            else:
                break
            timestamp, offset = record.timestamp, record.offset
            clock = max(clock_ms, timestamp)
            if not from_ms <= clock < limit_ms:
                break
            if topic == "usage":
                records.popleft()
                usage = offset + 1
            else:
                queue.take()
                commands = offset + 1
                records, before_ms = queue.usage_before()
            content = self._read(topic, record, ahead_ms)
            position = Position(usage, commands)
            if type(content) in _SET_ASIDE:
                self._set_aside(chunk, topic, record, content)
                continue
            if not inputs:
                limit_ms = _limit(until_ms, clock)
            clock_ms = clock
            inputs.append(Taken(topic, offset, clock, position, content, customer_of(topic, content)))
            if topic == "commands" and changes_prices(content):
                break
        chunk.end = Position(usage, commands)
        return chunk if chunk.end != start else None

    def _set_aside(self, chunk: TakenChunk, topic: InputTopic, record: Record, content: Output | Rejected) -> None:
        if isinstance(content, Output):
            chunk.sides.append(content)
            chunk.forwarded += 1
        else:
            chunk.sides.append(dead_letter(_letter(topic, record, self._bucket, content)))
            chunk.rejected.append((topic, content.reason))

    def _read(self, topic: InputTopic, record: Record, ahead_ms: int) -> Any:
        """Return the input in a record, or what is to be written instead. Up to `ahead_ms` it may be stamped."""
        timestamp = record.timestamp
        if timestamp > ahead_ms and record.timestamp_type == CREATE_TIME:
            ahead = timestamp - ahead_ms + SKEW_MS
            return Rejected(DeadLetterReason.IN_FUTURE, f"the record is stamped {ahead} ms after the broker's present")
        content: UsageInput | Command | Tick | Rejected
        if topic == "usage":
            content = decode_usage(record.value, timestamp, self._window_ms)
            if type(content) is not UsageInput:
                return content
            customer = content.event.data.customer
        else:
            content = decode_command(record.value)
            if isinstance(content, Rejected | Tick):
                return content
            customer = content.customer
        partition = partition_of(customer, self._partitions)
        if partition == self._bucket:
            return content
        headers = tuple(record.headers or ())
        if any(name == FORWARDED for name, _ in headers):
            return Rejected(DeadLetterReason.MISROUTED, f"forwarded once, and belongs into partition {partition}")
        return Output(Topic(topic), customer.encode(), record.value, partition, (*headers, (FORWARDED, b"1")))


def _limit(until_ms: int, first_ms: int) -> int:
    """Return up to where clocks may be in a chunk that begins at `first_ms`: it reaches over two slots at most."""
    return min(until_ms, (slot_of(first_ms) + 2) * SLOT_MS)


def customer_of(topic: InputTopic, content: Any) -> str:
    """Return whom an input is about; empty for a tick."""
    if topic == "usage":
        return str(content.event.data.customer)
    return "" if isinstance(content, Tick) else str(content.customer)


def build_chunk(taken: TakenChunk, bucket: int, customers: CustomerCache, catalog: Catalog) -> Chunk:
    """Price what was taken with what is known of its customers. Called again when that has changed."""
    builder, version = ChunkBuilder(taken.start), catalog.version
    compiled, encoded = builder.compiled, msgspec.json.encode(version)
    inputs, loaded, at = taken.inputs, customers.loaded, 0
    while True:
        if compiled is not None:
            at = compiled.add(plain_terms(), inputs, at, loaded, bucket, encoded)
        if at == len(inputs):
            return builder.finish(taken.end)
        one = inputs[at]
        at += 1
        topic, clock_ms, after, content = one.topic, one.clock_ms, one.after, one.content
        where = InputReference(topic, bucket, one.offset)
        if topic == "usage":
            customer = loaded[one.customer]
            if not add_plain(builder, content, customer, where, after, clock_ms, version):
                add_event(builder, content, customer, where, after, clock_ms, version)
        elif isinstance(content, Tick):
            builder.tick(clock_ms, Carried(position=after, applied_at_ms=clock_ms, input=where))
        else:
            add_command(builder, content, loaded[content.customer], catalog, where, after, clock_ms)


async def load_customers(customers: CustomerCache, inputs: Sequence[Taken | PlainEvent]) -> None:
    """Read what pricing a chunk needs to know of its customers. Raises `Retryable`."""
    await customers.load(customers_in(inputs))
    # Another plan ends its chunk.
    last = inputs[-1] if inputs else None
    if isinstance(last, Taken) and isinstance(last.content, SetPlan):
        await customers.load_numbers([last.customer])


def customers_in(inputs: Sequence[Taken | PlainEvent]) -> list[str]:
    """Return the customers that a chunk is about, as often as it is."""
    return [one.customer for one in inputs if one.customer]


def _letter(topic: InputTopic, record: Record, bucket: int, rejected: Rejected) -> DeadLetter:
    retry_of = next((value for name, value in record.headers or () if name == RETRY_OF), None)
    return DeadLetter(
        reason=rejected.reason,
        detail=rejected.detail,
        topic=topic,
        partition=bucket,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        key=record.key,
        value=record.value,
        retry_of=retry_of.decode(errors="replace") if retry_of else None,
    )
