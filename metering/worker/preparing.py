"""Takes a bucket's next chunk and prices it; the one after it while Redis applies the first, where there is a backlog.

Leaves applying to `applying`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from msgspec import Struct

from metering.contracts.entries import Position
from metering.errors import Retryable
from metering.ledger.chunk import Chunk
from metering.ledger.live import BucketReader
from metering.rating import Catalog
from metering.tasks import end_tasks
from metering.worker.chunking import ChunkTaker, TakenChunk, build_chunk, load_customers
from metering.worker.customers import CustomerCache
from metering.worker.merging import InputQueue
from metering.worker.parts import Parts


class Prepared(Struct):
    """A chunk that was taken, the rates in force for it, and once it is priced what Redis is asked to apply."""

    taken: TakenChunk
    catalog: Catalog
    chunk: Chunk | None = None


class Preparer:
    """Prepares the chunks of one claimed bucket in their order.

    One chunk may be prepared ahead: from what is known of its customers before the chunk before it is applied. Redis
    refuses it as stale where that has changed their settings, as it does any chunk. Nothing is written here: what was
    taken ahead and comes to nothing is read again by the next claim.
    """

    def __init__(self, bucket: int, parts: Parts, queue: InputQueue) -> None:
        self._bucket = bucket
        self._parts = parts
        self._queue = queue
        self._taker = ChunkTaker(bucket, parts.partitions, parts.windows.events_ms, parts.chunk_events_max)
        self._customers = CustomerCache(
            BucketReader(parts.redis, bucket, parts.scripts), most=lambda: parts.shares.customers
        )
        self._ahead: asyncio.Task[Prepared | None] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the next chunk is prepared ahead, and priced."""
        ahead = self._ahead
        if ahead is None or not ahead.done() or ahead.cancelled() or ahead.exception() is not None:
            return False
        prepared = ahead.result()
        return prepared is not None and prepared.chunk is not None

    async def next(self, position: Position, clock_ms: int) -> Prepared | None:
        """Return the chunk after `position`, priced or not yet; None where none can be taken.

        `clock_ms` is that of the last input before it.
        """
        prepared = None
        if self._ahead is not None:
            prepared = await self._ahead
            self._ahead = None
        # What was ahead can be none, where while the rates were loaded an older input came.
        return prepared or await self._take(position, clock_ms)

    async def price(self, prepared: Prepared) -> Chunk:
        """Price a chunk with what is known of its customers now, reading what is not. Raises `Retryable`."""
        self._customers.use(prepared.catalog)
        await load_customers(self._customers, prepared.taken.inputs)
        prepared.chunk = build_chunk(prepared.taken, self._bucket, self._customers, prepared.catalog)
        return prepared.chunk

    def begin_ahead(self, under_way: TakenChunk) -> None:
        """Begin to prepare the chunk after the one that goes to Redis now.

        Only where as much as a chunk holds waits for it: a lighter load has no need of it, and its chunks would be
        smaller. Where Redis has the chunks of other buckets as well it would only take memory; but the hindmost of them
        comes to its turn twice as often by it, so that all come to their end together. And not after commands: they
        change what prices depend on.
        """
        begun, ended, inputs, shares = under_way.start, under_way.end, under_way.inputs, self._parts.shares
        is_in_turn = shares.applying == 1 or shares.hindmost == self._bucket
        is_needed = is_in_turn and self._queue.waiting("usage") >= self._events_max
        if self._ahead is None and is_needed and inputs and begun.commands == ended.commands:
            preparing = self._prepare(ended, inputs[-1].clock_ms)
            self._ahead = asyncio.create_task(preparing, name=f"bucket-{self._bucket}-ahead")

    async def settle(self) -> None:
        """Wait for what is prepared ahead; it will be priced again, as what it was priced with may be changed."""
        if self._ahead is not None:
            await asyncio.wait([self._ahead])
            prepared = self._ahead.result()
            if prepared is not None:
                prepared.chunk = None

    def forget(self, customer: str) -> None:
        """Read a customer's settings again when they are needed: they have changed."""
        self._customers.forget(customer)

    async def close(self) -> None:
        """Give up what is prepared ahead."""
        if self._ahead is not None:
            await end_tasks(self._ahead)

    @property
    def _events_max(self) -> int:
        return min(self._parts.chunk_events_max, self._parts.shares.events)

    async def _take(self, position: Position, clock_ms: int) -> Prepared | None:
        upcoming = self._queue.peek()
        if upcoming is None:
            return None
        in_force = await self._parts.rates.at(max(clock_ms, upcoming.record.timestamp))
        self._taker.events_max = self._events_max
        now_ms = self._parts.now_ms()
        taken = self._taker.take(self._queue, position, clock_ms, now_ms, in_force.from_ms, in_force.until_ms)
        # None: while the rates were loaded, an older input has come. They are asked for again.
        return None if taken is None else Prepared(taken, in_force.catalog)

    async def _prepare(self, position: Position, clock_ms: int) -> Prepared | None:
        """Take and price. What cannot be priced now is priced when its turn has come, and told of then."""
        prepared = await self._take(position, clock_ms)
        if prepared is not None:
            with suppress(Retryable):
                await self.price(prepared)
        return prepared
