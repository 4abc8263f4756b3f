"""One bucket driven by hand: the worker's own path from bytes to ledger entries, on a real Valkey.

The log's clock is the caller's. Leaves what happens to `story` and how it reads to `page`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import ConsumerRecord
from redis.asyncio import Redis

from metering.contracts.entries import LedgerEntry, Position
from metering.contracts.partitioning import partition_of
from metering.errors import ensure
from metering.ledger.head import Head
from metering.ledger.identity import fresh_chunk_id, fresh_token
from metering.ledger.live import BucketReader
from metering.ledger.made import make_entries
from metering.ledger.results import decode_results
from metering.ledger.state import BucketPosition
from metering.ledger.till import Applied, LedgerEnd, Till
from metering.rating import load_catalog
from metering.worker.chunking import ChunkTaker, build_chunk, load_customers
from metering.worker.claiming import nothing_stored
from metering.worker.customers import CustomerCache
from metering.worker.merging import InputQueue, InputTopic

LOG_APPEND_TIME = 1
DAY_MS = 86_400_000

_decode = msgspec.json.Decoder(LedgerEntry).decode


class Bucket:
    """The one bucket of an installation with one partition."""

    def __init__(self, redis: Redis, rates: Path) -> None:
        self.reader = BucketReader(redis, 0)
        self._redis = redis
        self._till = Till(redis, 0)
        self._token = fresh_token()
        self._head = Head(0, "", Position(0, 0))
        self._catalog = load_catalog(rates)
        self._customers = CustomerCache(self.reader, self._catalog)
        self._taker = ChunkTaker(0, 1, DAY_MS, 100)
        self._clock_ms = 0
        self._sent = 0

    async def open(self) -> None:
        """Claim it, empty. What is in that Redis is dropped."""
        await self._redis.flushall()
        await self._till.claim(self._token)
        await self._till.restore(self._token, BucketPosition(0, "", 0, 0, 0, 0), 0, [], nothing_stored())

    async def command(self, at: datetime, **fields: Any) -> list[LedgerEntry]:
        """Apply a command at a moment of the log. Returns the entries of the timers before it, and its own."""
        self._sent += 1
        command = {"id": f"command-{self._sent}", "customer": "acme", "actor": "ana"} | fields
        return await self._apply("commands", at, json.dumps(command).encode())

    async def event(self, at: datetime, *, type: str, **data: Any) -> list[LedgerEntry]:  # noqa: A002  its name
        """Apply a usage event at a moment of the log."""
        self._sent += 1
        event = {
            "specversion": "1.0",
            "id": f"event-{self._sent}",
            "source": "/gateway",
            "type": type,
            "time": at.isoformat(),
            "data": {"customer": "acme"} | data,
        }
        return await self._apply("usage", at, json.dumps(event).encode())

    async def tick(self, at: datetime) -> list[LedgerEntry]:
        """Let the log's clock run to a moment at which nobody sends anything."""
        return await self._apply("commands", at, json.dumps({"type": "tick", "due_at_ms": _ms(at)}).encode())

    async def _apply(self, topic: InputTopic, at: datetime, value: bytes) -> list[LedgerEntry]:
        ensure(partition_of("acme", 1) == 0, "one partition holds everybody")
        position = self._head.position
        queue = InputQueue()
        queue.reset(position.usage, position.commands)
        offset = position.usage if topic == "usage" else position.commands
        queue.add(topic, [_record(topic, value, offset, _ms(at))])
        queue.note_end("commands" if topic == "usage" else "usage", at_end=True)
        taken = self._taker.take(queue, position, self._clock_ms, _ms(at))
        if taken is None or taken.sides:
            raise ValueError(f"{value.decode()} is no input: {taken and taken.rejected}")
        self._clock_ms = taken.inputs[-1].clock_ms
        self._customers.forget_all()
        await load_customers(self._customers, taken.inputs)
        chunk_id, chunk = fresh_chunk_id(), build_chunk(taken, 0, self._customers, self._catalog)
        answer = await self._till.apply(self._token, self._head, chunk_id, chunk)
        ensure(isinstance(answer, Applied), f"the chunk was not applied: {answer}")
        results = decode_results(answer.results) if isinstance(answer, Applied) else []
        made = make_entries(0, self._head.seq + 1, chunk_id, self._head.chunk, results, chunk.carried)
        entries = [_decode(entry.value) for entry in made]
        self._head = Head(self._head.seq + len(entries), chunk_id if entries else self._head.chunk, taken.end)
        await self._till.trim(self._token, LedgerEnd(self._head.seq, self._head.chunk, self._head.seq))
        return entries


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1_000)


def _record(topic: str, value: bytes, offset: int, timestamp_ms: int) -> ConsumerRecord[bytes, bytes]:
    headers: Sequence[tuple[str, bytes]] = ()
    return ConsumerRecord(topic, 0, offset, timestamp_ms, LOG_APPEND_TIME, b"acme", value, None, 4, len(value), headers)
