"""A worker's path on one bucket, run once on a real Valkey and recorded. Leaves timing its steps to `worker`."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import msgspec
from aiokafka import ConsumerRecord
from msgspec import Struct
from redis.asyncio import Redis

from metering.contracts.entries import Position
from metering.ledger.head import Head
from metering.ledger.identity import fresh_chunk_id, fresh_token
from metering.ledger.live import BucketReader
from metering.ledger.results import decode_results
from metering.ledger.state import BucketPosition
from metering.ledger.till import Applied, LedgerEnd, Till
from metering.rating import load_catalog
from metering.worker.chunking import ChunkTaker, TakenChunk, build_chunk, customers_in
from metering.worker.claiming import nothing_stored
from metering.worker.customers import CustomerCache
from metering.worker.merging import InputQueue, InputTopic
from tests.end_to_end.system import RATES
from tests.worker.records import NOW_MS, command, record, time_of

CHUNK = 400
CUSTOMERS = 2_000
LAG = 40
"""So many messages later come the outcomes of one."""
WINDOW_MS = 24 * 3_600_000
CREDIT_MICROS = 10**12
TEXTS = ("Your code is 482913. It is good for ten minutes.", "Your parcel comes today between 14:00 and 16:00.")

MIXES: dict[str, tuple[str, Sequence[str]]] = {
    "debited at once": ("+1201555", ()),
    "reserved": ("+3460000", ()),
    "submitted, sent, delivered": ("+3460000", ("sent", "delivered")),
}
"""Where the texts go to, which says when they are charged, and the outcomes that each has."""

Records = list[ConsumerRecord[bytes, bytes]]


class Recorded(Struct):
    """One chunk as it was applied: its records, the head before it, and what Redis answered."""

    records: Records
    head: Head
    chunk_id: str
    results: bytes


class RecordedPath:
    """The worker's path on the one bucket of an installation with one partition."""

    def __init__(self, redis: Redis) -> None:
        self.till = Till(redis, 0)
        self.catalog = load_catalog(RATES)
        self.customers = CustomerCache(BucketReader(redis, 0), self.catalog)
        self.chunks: list[Recorded] = []
        self._token = fresh_token()
        self._head = Head(0, "", Position(0, 0))
        self._taker = ChunkTaker(0, 1, WINDOW_MS, CHUNK)

    def take(self, topic: InputTopic, records: Records, start: Position) -> TakenChunk:
        """Take one chunk of records."""
        queue = InputQueue()
        queue.reset(start.usage, start.commands)
        queue.add(topic, records)
        queue.note_end("commands" if topic == "usage" else "usage", at_end=True)
        taken = self._taker.take(queue, start, NOW_MS, NOW_MS)
        assert taken is not None
        assert taken.sides == []
        return taken

    async def run(self, values: Sequence[bytes]) -> None:
        """Open the customers, give each credit, and apply the events `values`, recorded."""
        await self.till.claim(self._token)
        await self.till.restore(self._token, BucketPosition(0, "", 0, 0, 0, 0), 0, [], nothing_stored())
        names = [f"customer-{n}" for n in range(CUSTOMERS)]
        for name in names:
            await self._apply("commands", [command("open_customer", "open", customer=name, plan="payg-usd")])
        self.customers.forget_all()
        for first in range(0, CUSTOMERS, CHUNK):
            await self._apply("commands", [_credit(name) for name in names[first : first + CHUNK]])
        for first in range(0, len(values), CHUNK):
            self.chunks.append(await self._apply("usage", values[first : first + CHUNK]))

    async def _apply(self, topic: InputTopic, values: Sequence[bytes]) -> Recorded:
        start = self._head
        first = start.position.usage if topic == "usage" else start.position.commands
        records = [record(value, first + n, timestamp=NOW_MS) for n, value in enumerate(values)]
        taken = self.take(topic, records, start.position)
        await self.customers.load(customers_in(taken.inputs))
        chunk_id = fresh_chunk_id()
        chunk = build_chunk(taken, 0, self.customers, self.catalog)
        answer = await self.till.apply(self._token, start, chunk_id, chunk)
        assert isinstance(answer, Applied), answer
        self._head = Head(start.seq + len(decode_results(answer.results)), chunk_id, taken.end)
        await self.till.trim(self._token, LedgerEnd(self._head.seq, chunk_id, self._head.seq))
        return Recorded(records, start, chunk_id, answer.results)


def make_events(mix: str, events: int) -> list[bytes]:
    """Return the events of a mix: messages one after the other, the outcomes of each 40 messages later."""
    prefix, outcomes = MIXES[mix]
    names = [f"customer-{n}" for n in range(CUSTOMERS)]
    drawn = random.Random(7).choices(names, [1 / (n + 1) for n in range(CUSTOMERS)], k=events)
    values: list[bytes] = []
    for message, customer in enumerate(drawn):
        to, sender = f"{prefix}{message % 10_000:04d}", f"+34910000{message % 90 + 10}"
        values.append(_event("submitted", customer, message, to=to, sender=sender, text=TEXTS[message % 2]))
        if message >= LAG:
            values += [_event(what, drawn[message - LAG], message - LAG) for what in outcomes]
    return values[:events]


def _event(what: str, customer: str, message: int, **data: Any) -> bytes:
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": f"{what}-{message}",
            "source": "/pipeline/eu-1",
            "type": f"sms.{what}",
            "time": time_of(NOW_MS + message % 1_000),
            "data": {"customer": customer, "user": f"user-{message % 7}", "charge_id": f"m-{message}"} | data,
        }
    )


def _credit(customer: str) -> bytes:
    return command("top_up", "credit", customer=customer, amount_micros=CREDIT_MICROS, unit="USD")
