"""Takes over a bucket: token, ledger's end, agreement or restore, position. Leaves running it to `bucket`."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable

import msgspec
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from msgspec import Struct

from metering.checkpoint.books import Restoration
from metering.checkpoint.positions import BooksPosition
from metering.contracts.entries import Position
from metering.contracts.topics import Topic
from metering.errors import Retryable
from metering.ledger.bulk_records import count_of
from metering.ledger.head import Head
from metering.ledger.identity import fresh_token
from metering.ledger.outbox import OutboxChunk
from metering.ledger.state import BucketPosition, EventRows, StateBatch, WalletRows
from metering.ledger.till import Agreed, LedgerEnd, Lost, Restore, Till
from metering.observe.steps import Step
from metering.worker.ledger_tail import START, find_ledger_end
from metering.worker.parts import Parts
from metering.worker.publishing import Publisher

log = structlog.get_logger(__name__)

BOOKS_WAIT_SECONDS = 0.1
"""Between two looks at the books, while they have not come as far as the ledger."""

BOOKS_PATIENCE_SECONDS = 5.0
"""After this the ledger's end is read again: it may have moved on, if a zombie still wrote."""


class Claimed(Struct, frozen=True):
    """A bucket that is ours: what to publish before anything else, and where to go on."""

    token: str
    head: Head
    ledger: LedgerEnd
    clock_ms: int
    outbox: list[OutboxChunk]
    restored: int | None
    """Records restored from the books; None where Redis had everything."""


class Claim:
    """The claim of one bucket, as in docs/protocol.md. Run again from the start whenever it is interrupted."""

    def __init__(self, parts: Parts, till: Till, publisher: Publisher, on_restore: Callable[[LedgerEnd], None]) -> None:
        self._kafka = parts.kafka
        self._till = till
        self._books = parts.books
        self._publisher = publisher
        self._consumer = parts.consumer
        self._steps = parts.steps
        self._on_restore = on_restore
        """Is told when Redis does not agree, before the books are waited for."""

    async def run(self) -> Claimed:
        """1. Fence. 2. Token. 3. Read offsets, then the ledger's end. 4. Compare; restore where Redis does not agree.

        A stop after any step leaves the bucket to the next claim: the token fences scripts, the publisher fences
        writes. Raises `Retryable` when a dependency does not answer, `Fenced` when another worker has come.
        """
        while True:
            await self._publisher.start()
            self._reached(Step.FENCED)
            token = fresh_token()
            known = await self._till.claim(token)
            self._reached(Step.TOKEN_TAKEN)
            # Before the end is read: then every entry that the offsets cover lies before it.
            committed = await self._committed()
            end = await find_ledger_end(self._kafka, self._till.bucket, await self._reading_start(known))
            self._reached(Step.END_READ)
            compared = await self._till.compare(token, end)
            self._reached(Step.COMPARED)
            match compared:
                case Agreed(outbox, head, clock_ms):
                    return Claimed(token, head, end, clock_ms, outbox, None)
                case Restore():
                    self._on_restore(end)
                    claimed = await self._restore(token, end, committed)
                    if claimed is not None:
                        return claimed
                case Lost():
                    log.warning("claim_lost", bucket=self._till.bucket)
                    await asyncio.sleep(BOOKS_WAIT_SECONDS)

    async def _reading_start(self, known: LedgerEnd | None) -> LedgerEnd:
        """Return the latest entry known to be in the ledger. Any true one will do; a later one saves reading."""
        try:
            written = await self._books.position(self._till.bucket)
        except Retryable:
            # The books are away. What Redis knows is true as well, and the start of the ledger is always.
            written = None
        starts = [START]
        if known is not None:
            starts.append(known)
        if written is not None:
            starts.append(LedgerEnd(written.head.seq, written.head.chunk, written.ledger_offset))
        return max(starts, key=lambda start: start.seq)

    async def _restore(self, token: str, end: LedgerEnd, committed: Position) -> Claimed | None:
        """Load the bucket from the books once they stand exactly at the ledger's end; None: claim again."""
        bucket = self._till.bucket
        if not await self._books_reach(end):
            return None
        started, counted = time.monotonic(), Counter[str]()
        async with self._books.restore(bucket) as restoration:
            if restoration is None:
                if end != START:
                    return None
                return await self._start_empty(token, committed)
            written = restoration.position
            if (written.head.seq, written.head.chunk) != (end.seq, end.chunk):
                return None
            position = _position_after(written, committed)
            state = restoration.position.head
            loaded = await self._till.restore(
                token,
                msgspec.structs.replace(state, usage=position.usage, commands=position.commands),
                end.offset_next,
                restoration.blocks,
                self._told(restoration, counted),
            )
        if isinstance(loaded, Lost):
            return None
        self._reached(Step.RESTORED)
        seconds = round(time.monotonic() - started, 3)
        log.info("bucket_restored", bucket=bucket, seq=end.seq, records=loaded, seconds=seconds, **counted)
        return Claimed(token, Head(end.seq, end.chunk, position), end, state.clock_ms, [], loaded)

    async def _told(self, restoration: Restoration, counted: Counter[str]) -> AsyncIterator[StateBatch]:
        """Yield the batches of a restoration; when the next is asked for, the one before is in Redis, and counted."""
        async for batch in restoration.batches():
            yield batch
            counted["wallets"] += count_of(batch) if isinstance(batch, WalletRows) else 0
            counted["ids"] += count_of(batch) if isinstance(batch, EventRows) else 0
            self._reached(Step.RESTORING)

    def _reached(self, step: Step) -> None:
        self._steps.reached(step, self._till.bucket)

    async def _start_empty(self, token: str, position: Position) -> Claimed | None:
        """Make a bucket without a single entry usable: there is nothing to load."""
        empty = BucketPosition(0, "", position.usage, position.commands, 0, 0)
        loaded = await self._till.restore(token, empty, 0, [], nothing_stored())
        if isinstance(loaded, Lost):
            return None
        return Claimed(token, Head(0, "", position), START, 0, [], 0)

    async def _books_reach(self, end: LedgerEnd) -> bool:
        """Wait until the books stand at `end`; False when they passed it or did not come in time: look again."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        while True:
            written = await self._books.position(self._till.bucket)
            seq = written.head.seq if written else 0
            if seq == end.seq:
                return True
            if seq > end.seq or loop.time() - started > BOOKS_PATIENCE_SECONDS:
                log.info("books_behind", bucket=self._till.bucket, books_seq=seq, ledger_seq=end.seq)
                return False
            await asyncio.sleep(BOOKS_WAIT_SECONDS)

    async def _committed(self) -> Position:
        """Return the group's offsets; without transactions they say nothing about what has an entry."""
        if not self._kafka.has_transactions:
            return Position(0, 0)
        offsets = []
        for topic in (Topic.USAGE, Topic.COMMANDS):
            partition = TopicPartition(self._kafka.topic(topic), self._till.bucket)
            try:
                offsets.append(await self._consumer.committed(partition) or 0)
            except (KafkaError, OSError) as error:
                raise Retryable(f"committed offsets of {partition} could not be read: {error}") from error
        return Position(*offsets)


def _position_after(written: BooksPosition, committed: Position) -> Position:
    """With transactions, offsets may be ahead of the last entry: dead letters and ticks leave none."""
    head = written.head
    return Position(max(head.usage, committed.usage), max(head.commands, committed.commands))


async def nothing_stored() -> AsyncIterator[StateBatch]:
    """Yield no batch: the state of a bucket without entries."""
    no_batches: tuple[StateBatch, ...] = ()
    for batch in no_batches:
        yield batch
