"""The baseline: a Faust agent that meters one event at a time with the same pricing and the same Lua.

Run as a child: `python -m metering.cli.benchmark.baseline_faust GROUP`. It decodes, prices, applies, sends the decision
and the ledger entry, as a worker does; it leaves out what a worker does besides: transactions, claims, checks of the
ledger's end.
"""

from __future__ import annotations

import asyncio
import sys

import faust
import uvloop
from aiokafka import ConsumerRecord
from redis.asyncio import Redis

from metering.contracts.entries import Position
from metering.contracts.topics import Topic
from metering.ledger.functions import ScriptCaller
from metering.ledger.head import Head
from metering.ledger.identity import fresh_chunk_id, fresh_token
from metering.ledger.joined_calls import join_calls
from metering.ledger.live import BucketReader
from metering.ledger.made import make_entries
from metering.ledger.results import decode_results
from metering.ledger.till import Agreed, Applied, LedgerEnd, Restore, Till
from metering.rating import load_catalog
from metering.settings import load_settings
from metering.worker.chunking import Taken, TakenChunk, build_chunk, customers_in
from metering.worker.customers import CustomerCache
from metering.worker.decoding import Rejected, decode_usage
from metering.worker.outputs import decision_of

TRIM_ENTRIES = 500

LINGER_SECONDS = 0.005
"""Its producer gathers for so long: nobody waits for one entry, and a request for each costs it a fifth of its time."""

BUFFERED_EVENTS_MAX = 16_384
"""Enough that the agent never waits for the fetcher."""


class OneByOne:
    """One bucket, metered an event at a time."""

    def __init__(self, redis: Redis, calls: ScriptCaller, bucket: int, catalog: object) -> None:
        self.bucket = bucket
        self.catalog = catalog
        self.redis = redis
        self.till = Till(calls, bucket)
        self.customers = CustomerCache(BucketReader(redis, bucket), catalog)  # type: ignore[arg-type]
        self.token = fresh_token()
        self.head = Head(0, "", Position(0, 0))
        self.clock_ms = 0

    async def claim(self) -> None:
        """Take the bucket as it stands in Redis: the customers were opened before by a worker."""
        status = await BucketReader(self.redis, self.bucket).status()
        end = LedgerEnd(status.seq, status.chunk, 0)
        await self.till.claim(self.token)
        agreed = await self.till.compare(self.token, end)
        if isinstance(agreed, Restore) or not isinstance(agreed, Agreed):
            raise SystemExit(f"bucket {self.bucket} is not as it was left")
        self.head, self.clock_ms = agreed.head, agreed.clock_ms

    async def meter(self, value: bytes, offset: int, timestamp_ms: int) -> tuple[bytes, bytes, bytes] | None:
        """Meter one event; return key, entry and decision."""
        if offset < self.head.position.usage:
            return None  # metered by a worker before
        content = decode_usage(value, timestamp_ms, self.till.windows.events_ms)
        if isinstance(content, Rejected):
            return None
        self.clock_ms = max(self.clock_ms, timestamp_ms)
        after = Position(offset + 1, self.head.position.commands)
        one = Taken("usage", offset, self.clock_ms, after, content, content.event.data.customer)
        taken = TakenChunk(self.head.position, after, [one], [])
        await self.customers.load(customers_in(taken.inputs))
        chunk = build_chunk(taken, self.bucket, self.customers, self.catalog)  # type: ignore[arg-type]
        chunk_id = fresh_chunk_id()
        answer = await self.till.apply(self.token, self.head, chunk_id, chunk)
        if not isinstance(answer, Applied):
            raise SystemExit(f"bucket {self.bucket} was lost: {answer}")
        results = decode_results(answer.results)
        made = list(make_entries(self.bucket, self.head.seq + 1, chunk_id, self.head.chunk, results, chunk.carried))[-1]
        self.head = Head(made.effect.seq, chunk_id, after)
        if made.effect.seq % TRIM_ENTRIES == 0:
            await self.till.trim(self.token, LedgerEnd(made.effect.seq, chunk_id, 0))
        decision = decision_of(made)
        return made.carried.customer.encode(), made.value, (decision.value or b"") if decision else b""


def make_app(group: str) -> faust.App:
    """Return the app with its one agent, in a consumer group of that name."""
    settings = load_settings()
    catalog = load_catalog(settings.rates.dir)
    redis = Redis.from_url(settings.redis.url)
    calls = join_calls(redis)
    buckets: dict[int, OneByOne] = {}
    app = faust.App(
        group,
        broker=f"kafka://{settings.kafka.bootstrap}",
        store="memory://",
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=False,
        broker_commit_interval=1.0,
        producer_linger=LINGER_SECONDS,
        stream_buffer_maxsize=BUFFERED_EVENTS_MAX,
        web_enabled=False,
    )
    prefix = settings.kafka.topic_prefix
    usage = app.topic(prefix + Topic.USAGE, value_type=bytes, value_serializer="raw", key_serializer="raw")
    ledger = app.topic(prefix + Topic.LEDGER, value_serializer="raw", key_serializer="raw", partitions=None)
    decisions = app.topic(prefix + Topic.DECISIONS, value_serializer="raw", key_serializer="raw")

    # A stream for each partition: while one bucket waits for Redis, the others go on; the order in a bucket stays.
    @app.agent(usage, isolated_partitions=True)  # type: ignore[arg-type]  # Faust wants its own stream, hands over this
    async def meter(stream: faust.Stream[bytes]) -> None:
        async for event in stream.events():
            message: ConsumerRecord[bytes, bytes] = event.message
            number = message.partition
            if number not in buckets:
                buckets[number] = OneByOne(redis, calls, number, catalog)
                await buckets[number].claim()
            done = await buckets[number].meter(event.value, message.offset, int(message.timestamp * 1000))
            if done is not None:
                key, entry, decision = done
                await app.producer.send(ledger.get_topic_name(), key, entry, number, None, None)
                await app.producer.send(decisions.get_topic_name(), key, decision, number, None, None)

    return app


async def main() -> None:
    """Run until killed."""
    app = make_app(sys.argv[1])
    await app.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
