"""Runs the input topics again into an empty Redis: every entry must come out the same. Leaves printing to the CLI."""

from __future__ import annotations

import re
from collections import deque
from contextlib import AsyncExitStack
from functools import partial

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from metering.contracts.commands import Command, Tick
from metering.contracts.entries import InputReference, Position
from metering.contracts.topics import Topic
from metering.errors import Fatal, ensure
from metering.ledger.head import Head
from metering.ledger.identity import fresh_chunk_id, fresh_token
from metering.ledger.live import BucketReader
from metering.ledger.made import make_entries
from metering.ledger.results import decode_results
from metering.ledger.state import BucketPosition
from metering.ledger.till import Agreed, Applied, LedgerEnd, Till, Windows
from metering.rating import load_catalog
from metering.settings import Settings
from metering.worker.chunking import Taken, TakenChunk, build_chunk, customer_of, load_customers
from metering.worker.claiming import nothing_stored
from metering.worker.command_inputs import changes_prices
from metering.worker.customers import CustomerCache
from metering.worker.decoding import Rejected, UsageInput, decode_command, decode_usage
from metering.worker.kafka import Kafka
from metering.worker.ledger_tail import START, follow
from metering.worker.merging import InputTopic
from metering.worker.partition_reader import RecordsByOffset, open_partition
from metering.worker.rates import Rates
from metering.worker.topics import partition_counts

DIFFERENCES_KEPT = 20
CHUNK_INPUTS = 200
_CHUNK_IDS = re.compile(rb'"chunk":"[0-9a-f]*","prev_chunk":"[0-9a-f]*"')


class Difference(Struct, frozen=True):
    """An entry that came out otherwise. `found` None: it did not come out at all."""

    id: str
    expected: str
    found: str | None


class ReplayReport(Struct):
    """What a replay saw. All is well when `differing` is 0."""

    buckets: int = 0
    inputs: int = 0
    entries: int = 0
    differing: int = 0
    differences: list[Difference] = []

    @property
    def same(self) -> bool:
        """Whether every entry came out as it was."""
        return self.differing == 0


class _Entry(Struct, frozen=True):
    """What a replay needs to know of an entry."""

    id: str
    seq: int
    position: Position
    input: InputReference
    applied_at_ms: int
    due_at_ms: int | None = None
    rates_version: str | None = None


_decode_entry = msgspec.json.Decoder(_Entry).decode


async def replay(settings: Settings, redis: Redis) -> ReplayReport:
    """Replay every bucket into `redis`, which must hold none of them. Reads the topics only; `redis` keeps the result.

    Raises `Fatal` where Redis is not empty, an input is gone from its topic, or the rates are not those of the entries.
    """
    kafka = Kafka(settings.kafka)
    rates = Rates(kafka, load_catalog(settings.rates.dir))
    await rates.read()
    windows = Windows.of(settings.ledger)
    report = ReplayReport()
    # Not `bucket_count`: whoever may only read the inputs and the ledger sees no other topics.
    buckets = (await partition_counts(settings.kafka)).get(kafka.topic(Topic.USAGE), 0)
    if not buckets:
        raise Fatal(f"the topic {kafka.topic(Topic.USAGE)} does not exist, or may not be seen")
    for bucket in range(buckets):
        if (await BucketReader(redis, bucket).status()).loaded:
            raise Fatal("replay needs an empty Redis, and this one holds buckets: give it another with --redis")
        await _Replay(kafka, redis, rates, windows, bucket, report).run()
        report.buckets += 1
    return report


class _Replay:
    """The replay of one bucket: entries tell the order of the inputs, ticks stand where positions leave them out."""

    def __init__(
        self, kafka: Kafka, redis: Redis, rates: Rates, windows: Windows, bucket: int, report: ReplayReport
    ) -> None:
        self._kafka = kafka
        self._rates = rates
        self._catalog = rates.base
        self._windows = windows
        self._bucket = bucket
        self._report = report
        self._till = Till(redis, bucket, windows)
        self._customers = CustomerCache(BucketReader(redis, bucket))
        self._token = fresh_token()
        self._head = Head(0, "", Position(0, 0))
        self._position = Position(0, 0)
        self._clock_ms = 0
        self._waiting: list[Taken] = []
        self._last_input: InputReference | None = None
        self._ends_chunk = False
        self._expected: deque[tuple[str, bytes]] = deque()

    async def run(self) -> None:
        """Replay from the first entry to the last that counts now."""
        await self._till.claim(self._token)
        await self._till.restore(self._token, BucketPosition(0, "", 0, 0, 0, 0), 0, [], nothing_stored())
        agreed = await self._till.compare(self._token, START)
        ensure(isinstance(agreed, Agreed), "an empty bucket agrees with an empty ledger")
        async with AsyncExitStack() as stack:
            open_topic = partial(open_partition, self._kafka, number=self._bucket)
            inputs: dict[InputTopic, RecordsByOffset] = {
                "usage": RecordsByOffset(await stack.enter_async_context(open_topic(Topic.USAGE))),
                "commands": RecordsByOffset(await stack.enter_async_context(open_topic(Topic.COMMANDS))),
            }
            ledger = await stack.enter_async_context(open_topic(Topic.LEDGER))
            end = START
            async for record in ledger.records():
                counted = follow(end, record.value or b"", record.offset)
                if counted is not end:
                    end = counted
                    await self._take(_decode_entry(record.value or b""), record.value or b"", inputs)
            await self._apply()
        self._report.differing += len(self._expected)
        self._report.differences += [Difference(name, value.decode(), None) for name, value in self._expected]

    async def _take(self, entry: _Entry, value: bytes, inputs: dict[InputTopic, RecordsByOffset]) -> None:
        """Put the entry's input behind those that wait, and the ticks before it that left no entry."""
        if entry.rates_version is not None:
            version = (await self._rates.at(entry.applied_at_ms)).catalog.version
            if entry.rates_version != version:
                raise Fatal(
                    f"entry {entry.id} was priced with rates {entry.rates_version}; at its clock these are {version}"
                )
        where = entry.input
        if where != self._last_input and (self._ends_chunk or len(self._waiting) >= CHUNK_INPUTS):
            await self._apply()
        self._last_input = where
        for offset in range(self._position.commands, entry.position.commands):
            if (where.topic, where.offset) != ("commands", offset) or entry.due_at_ms is not None:
                await self._add("commands", offset, inputs, ticks_only=True)
        # Dead letters of the other topic that were passed before this input have moved the position and left no entry.
        usage, commands = entry.position.usage, entry.position.commands
        if where.topic == "usage":
            self._position = Position(self._position.usage, max(self._position.commands, commands))
        else:
            self._position = Position(max(self._position.usage, usage), self._position.commands)
        is_timer = entry.due_at_ms is not None
        next_offset = self._position.commands if where.topic == "commands" else self._position.usage
        if where.offset >= next_offset:
            await self._add(where.topic, where.offset, inputs, ticks_only=is_timer)
        self._position = Position(
            max(entry.position.usage, self._position.usage), max(entry.position.commands, self._position.commands)
        )
        self._expected.append((entry.id, value))
        self._report.entries += 1

    async def _add(
        self, topic: InputTopic, offset: int, inputs: dict[InputTopic, RecordsByOffset], *, ticks_only: bool
    ) -> None:
        record = await inputs[topic].at(offset)
        if record is None:
            if ticks_only:
                return
            raise Fatal(f"{topic}[{self._bucket}] does not hold offset {offset} any more: its retention has passed")
        clock = max(self._clock_ms, record.timestamp)
        content: UsageInput | Command | Tick | Rejected
        if topic == "usage":
            content = decode_usage(record.value, record.timestamp, self._windows.events_ms)
        else:
            content = decode_command(record.value)
        if ticks_only and not isinstance(content, Tick):
            inputs[topic].put_back(record)
            return
        if isinstance(content, Rejected):
            raise Fatal(f"{topic}[{self._bucket}] offset {offset} has an entry and cannot be decoded: {content.detail}")
        catalog = (await self._rates.at(clock)).catalog
        if catalog is not self._catalog:
            # What waits was priced before the switch: a chunk never mixes two versions.
            await self._apply()
            self._catalog = catalog
        usage, commands = self._position.usage, self._position.commands
        after = Position(offset + 1, commands) if topic == "usage" else Position(usage, offset + 1)
        self._position, self._clock_ms = after, clock
        self._waiting.append(Taken(topic, offset, clock, after, content, customer_of(topic, content)))
        if changes_prices(content):
            self._ends_chunk = True

    async def _apply(self) -> None:
        self._ends_chunk = False
        if not self._waiting:
            return
        taken = TakenChunk(self._head.position, self._waiting[-1].after, [*self._waiting], [])
        self._customers.use(self._catalog)
        await load_customers(self._customers, taken.inputs)
        chunk = build_chunk(taken, self._bucket, self._customers, self._catalog)
        chunk_id = fresh_chunk_id()
        answer = await self._till.apply(self._token, self._head, chunk_id, chunk)
        if not isinstance(answer, Applied):
            raise Fatal(f"the scratch Redis did not take a chunk of bucket {self._bucket}: {type(answer).__name__}")
        results = decode_results(answer.results)
        seq = self._head.seq
        for made in make_entries(self._bucket, seq + 1, chunk_id, self._head.chunk, results, chunk.carried):
            seq = made.seq
            self._compare(made.id, made.value)
            if made.changes_settings:
                self._customers.forget(made.carried.customer)
        self._head = Head(seq, chunk_id if results else self._head.chunk, taken.end)
        await self._till.trim(self._token, LedgerEnd(seq, self._head.chunk, 0))
        self._report.inputs += len(self._waiting)
        self._waiting = []

    def _compare(self, entry_id: str, value: bytes) -> None:
        expected_id, expected = self._expected.popleft() if self._expected else (entry_id, b"")
        if _CHUNK_IDS.sub(b"", expected, 1) != _CHUNK_IDS.sub(b"", value, 1):
            self._report.differing += 1
            if len(self._report.differences) < DIFFERENCES_KEPT:
                self._report.differences.append(Difference(expected_id, expected.decode(), value.decode()))
