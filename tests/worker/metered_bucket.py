"""A worker's path from bytes to outputs on a real Valkey, without a broker. Leaves topics to the end-to-end tests."""

from __future__ import annotations

from pathlib import Path

from redis.asyncio import Redis

from metering.contracts.entries import Position
from metering.contracts.partitioning import partition_of
from metering.ledger.head import Head
from metering.ledger.identity import fresh_chunk_id, fresh_token
from metering.ledger.live import BucketReader
from metering.ledger.made import EntryMade, make_entries
from metering.ledger.results import decode_results
from metering.ledger.state import BucketPosition
from metering.ledger.till import Applied, Till
from metering.rating import load_catalog
from metering.worker.chunking import ChunkTaker, build_chunk, load_customers
from metering.worker.claiming import nothing_stored
from metering.worker.customers import CustomerCache
from metering.worker.merging import InputQueue, InputTopic
from metering.worker.telling import Told, tell_results
from tests.end_to_end.system import RATES
from tests.worker.records import DAY_MS, NOW_MS, record


class MeteredBucket:
    """The one bucket of an installation with one partition. `entries` are all so far."""

    def __init__(self, redis: Redis, rates: Path = RATES) -> None:
        assert partition_of("acme", 1) == 0
        self.entries: list[EntryMade] = []
        self.now_ms = NOW_MS
        """What the log stamps."""
        self._till = Till(redis, 0)
        self._token = fresh_token()
        self._head = Head(0, "", Position(0, 0))
        self._catalog = load_catalog(rates)
        self._customers = CustomerCache(BucketReader(redis, 0), self._catalog)
        self._taker = ChunkTaker(0, 1, DAY_MS, 100)

    async def open(self) -> None:
        """Claim it, empty."""
        await self._till.claim(self._token)
        await self._till.restore(self._token, BucketPosition(0, "", 0, 0, 0, 0), 0, [], nothing_stored())

    async def commands(self, *values: bytes) -> list[EntryMade]:
        """Apply commands."""
        return await self._apply("commands", values)

    async def events(self, *values: bytes) -> list[EntryMade]:
        """Apply usage events."""
        return await self._apply("usage", values)

    async def _apply(self, topic: InputTopic, values: tuple[bytes, ...]) -> list[EntryMade]:
        position = self._head.position
        first = position.usage if topic == "usage" else position.commands
        queue = InputQueue()
        queue.reset(position.usage, position.commands)
        queue.add(topic, [record(value, first + n, timestamp=self.now_ms) for n, value in enumerate(values)])
        queue.note_end("commands" if topic == "usage" else "usage", at_end=True)
        made: list[EntryMade] = []
        while (taken := self._taker.take(queue, self._head.position, self.now_ms, self.now_ms)) is not None:
            assert taken.sides == []
            await load_customers(self._customers, taken.inputs)
            chunk = build_chunk(taken, 0, self._customers, self._catalog)
            chunk_id = fresh_chunk_id()
            answer = await self._till.apply(self._token, self._head, chunk_id, chunk)
            assert isinstance(answer, Applied), answer
            results = decode_results(answer.results)
            about = (0, self._head.seq + 1, chunk_id, self._head.chunk)
            entries = list(make_entries(*about, results, chunk.carried))
            told, one_by_one = tell_results(*about, answer.results, chunk), Told.of(entries)
            assert (told.values, told.decisions, told.sides) == (
                one_by_one.values,
                one_by_one.decisions,
                one_by_one.sides,
            )
            made += entries
            self._head = Head(self._head.seq + len(results), chunk_id, taken.end)
            self._customers.forget_all()
        self.entries += made
        return made
