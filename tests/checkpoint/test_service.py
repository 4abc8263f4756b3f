"""The whole checkpointer on real brokers: shared buckets, restarts, Postgres away, bounded memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import CoordinatorNotAvailableError

from metering.checkpoint.database import Database
from metering.checkpoint.service import FETCH_BYTES_MAX, Checkpointer, CheckpointerOptions
from metering.checkpoint.writer import WriterState
from metering.embedded.kafka import KafkaBroker
from metering.embedded.postgres import PostgresServer
from metering.embedded.tansu import TansuBroker
from metering.errors import Fatal
from metering.record_batches import BatchConsumer
from tests.checkpoint.scribe import Scribe, encode
from tests.checkpoint.writing import Sql
from tests.waiting import samples_until_still, wait_until

BUCKETS = 4


@dataclass
class Ledger:
    """The topic of the entries, and how a checkpointer gets to it."""

    bootstrap: str
    topic: str
    dsn: str

    def options(self, **changed: Any) -> CheckpointerOptions:
        own: dict[str, Any] = {"flush_seconds": 0.1, "flush_entries": 500}
        return CheckpointerOptions(self.bootstrap, self.dsn, self.topic, f"{self.topic}-group", **{**own, **changed})

    async def send(self, scribes: Sequence[Scribe], first: int = 0, **settings: Any) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=5, **settings) as producer:
            sent = [
                await producer.send(self.topic, encode(entry), partition=scribe.bucket)
                for scribe in scribes
                for entry in scribe.entries[first:]
            ]
            await asyncio.gather(*sent)


@pytest_asyncio.fixture
async def ledger(broker: TansuBroker | KafkaBroker, topic_prefix: str, books_dsn: str) -> Ledger:
    topic = f"{topic_prefix}ledger"
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.endpoint)
    await admin.start()
    await admin.create_topics([NewTopic(topic, BUCKETS, 1)])
    await admin.close()
    return Ledger(broker.endpoint, topic, books_dsn)


@asynccontextmanager
async def running(options: CheckpointerOptions) -> AsyncIterator[Checkpointer]:
    checkpointer = Checkpointer(options)
    await checkpointer.start()
    try:
        yield checkpointer
    finally:
        await checkpointer.stop()


def make_scribes(messages: int) -> list[Scribe]:
    scribes = [Scribe(bucket=bucket) for bucket in range(BUCKETS)]
    for scribe in scribes:
        scribe.open(f"customer-{scribe.bucket}", 10**9)
    add_messages(scribes, messages)
    return scribes


def add_messages(scribes: list[Scribe], messages: int) -> None:
    for scribe in scribes:
        name = f"customer-{scribe.bucket}"
        for _ in range(messages):
            charge = f"m{scribe.seq}"
            scribe.reserve(name, charge, 10)
            scribe.commit(name, charge, 10)


def has_all(scribes: list[Scribe], *checkpointers: Checkpointer) -> Callable[[], bool]:
    def holds() -> bool:
        seqs = {
            bucket: max(writer.head.seq for c in checkpointers if (writer := c.writers.get(bucket)))
            for bucket in range(BUCKETS)
            if any(bucket in c.writers for c in checkpointers)
        }
        return seqs == {scribe.bucket: scribe.seq for scribe in scribes}

    return holds


async def check_exact(sql: Sql, scribes: list[Scribe]) -> None:
    for scribe in scribes:
        seqs = [
            row[0] for row in await sql.fetch("SELECT seq FROM entries WHERE bucket = $1 ORDER BY 1", scribe.bucket)
        ]
        assert list(range(1, scribe.seq + 1)) == seqs
        purse = scribe.purses[f"customer-{scribe.bucket}"]
        assert purse.remaining - purse.held == await sql.fetchval(
            "SELECT available_micros FROM wallets WHERE bucket = $1", scribe.bucket
        )


async def test_every_bucket_gets_into_the_books_and_lag_goes_to_nothing(ledger: Ledger, sql: Sql) -> None:
    scribes = make_scribes(300)
    await ledger.send(scribes)

    async with running(ledger.options(partitions=BUCKETS)) as checkpointer:
        await wait_until(has_all(scribes, checkpointer))
        assert checkpointer.health() is None
        await checkpointer.check_postgres()
        await wait_until(lambda: lag_of(checkpointer) == [0.0] * BUCKETS)

    await check_exact(sql, scribes)


def lag_of(checkpointer: Checkpointer) -> list[float]:
    return [sample.value for metric in checkpointer.metrics.lag.collect() for sample in metric.samples]


def states(checkpointer: Checkpointer) -> list[WriterState]:
    return [writer.state for writer in checkpointer.writers.values()]


async def test_checkpointers_that_come_and_go_share_the_buckets(ledger: Ledger, sql: Sql) -> None:
    scribes = make_scribes(100)
    await ledger.send(scribes)

    async with running(ledger.options()) as first:
        await wait_until(has_all(scribes, first))
        async with running(ledger.options()) as second:
            await wait_until(lambda: len(first.writers) == len(second.writers) == BUCKETS // 2)
            sent = scribes[0].seq
            add_messages(scribes, 100)
            await ledger.send(scribes, sent)
            await wait_until(has_all(scribes, first, second))
            assert 0 < second.metrics.entries_written._value.get()
        sent = scribes[0].seq
        add_messages(scribes, 100)
        await ledger.send(scribes, sent)
        await wait_until(has_all(scribes, first))

    await check_exact(sql, scribes)


async def test_restarted_checkpointer_reads_on_from_the_books(ledger: Ledger, sql: Sql) -> None:
    scribes = make_scribes(50)
    await ledger.send(scribes)
    async with running(ledger.options()) as checkpointer:
        await wait_until(has_all(scribes, checkpointer))
    sent = scribes[0].seq
    add_messages(scribes, 50)
    await ledger.send(scribes, sent)

    async with running(ledger.options()) as checkpointer:
        await wait_until(has_all(scribes, checkpointer))
        dropped = [
            sample.value for metric in checkpointer.metrics.entries_dropped.collect() for sample in metric.samples
        ]

    assert 0 == sum(dropped)
    await check_exact(sql, scribes)


async def test_postgres_away_holds_back_reading_and_memory_and_loses_nothing(
    ledger: Ledger, postgres: PostgresServer, database: Database
) -> None:
    scribes, bound = make_scribes(1_500), 300

    async with running(ledger.options(buffered_entries_max=bound)) as checkpointer:
        await wait_until(lambda: len(checkpointer.writers) == BUCKETS)
        await ledger.send(scribes[:1])
        await wait_until(lambda: checkpointer.writers[0].head.seq > 0)
        await postgres.stop()
        await ledger.send(scribes[1:])
        await wait_until(lambda: checkpointer._shared.bound.entries >= bound)
        waiting = await samples_until_still(lambda: checkpointer._shared.bound.entries, "reading is held back")
        assert max(waiting) < bound + 2 * FETCH_BYTES_MAX // len(encode(scribes[0].entries[-1]))
        assert checkpointer.health() is None
        await postgres.start()
        await wait_until(has_all(scribes, checkpointer))

    async with database.connection() as sql:
        await check_exact(sql, scribes)


async def test_stop_while_postgres_is_away_does_not_wait_for_it(ledger: Ledger, postgres: PostgresServer) -> None:
    checkpointer = Checkpointer(ledger.options())
    await checkpointer.start()
    await wait_until(lambda: states(checkpointer) == [WriterState.WRITING] * BUCKETS)
    await postgres.stop()
    await ledger.send(make_scribes(10))
    await wait_until(lambda: checkpointer._shared.bound.entries > 0)

    async with asyncio.timeout(30):
        await checkpointer.stop()
    await postgres.start()


async def test_buckets_that_come_while_it_stops_get_no_writer(ledger: Ledger) -> None:
    checkpointer = Checkpointer(ledger.options())
    await checkpointer.start()
    await wait_until(lambda: len(checkpointer.writers) == BUCKETS, "all buckets are its own")

    await checkpointer.stop()
    await checkpointer.take(range(BUCKETS))  # as a rebalance does that began before

    assert checkpointer.writers == {}


async def test_passing_error_of_the_broker_does_not_end_reading(
    ledger: Ledger, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    scribes, getmany = make_scribes(10), BatchConsumer.getmany
    raised: list[bool] = []

    async def getmany_after_an_error(consumer: BatchConsumer, **arguments: Any) -> Any:
        if not raised:
            raised.append(True)
            raise CoordinatorNotAvailableError
        return await getmany(consumer, **arguments)

    monkeypatch.setattr(BatchConsumer, "getmany", getmany_after_an_error)
    await ledger.send(scribes)

    async with running(ledger.options()) as checkpointer:
        await wait_until(has_all(scribes, checkpointer))

    await check_exact(sql, scribes)


async def test_topic_with_another_number_of_partitions_is_refused(ledger: Ledger) -> None:
    checkpointer = Checkpointer(ledger.options(partitions=BUCKETS + 1))

    with pytest.raises(Fatal, match="has 4 partitions, 5 are set"):
        await checkpointer.start()
    await checkpointer.stop()


async def test_schema_that_is_not_there_is_refused(tansu: TansuBroker, fresh_database: str) -> None:
    checkpointer = Checkpointer(CheckpointerOptions(tansu.endpoint, fresh_database))

    with pytest.raises(Fatal, match="metering migrate"):
        await checkpointer.start()
    await checkpointer.stop()


@pytest.mark.kafka
async def test_entries_of_an_aborted_transaction_do_not_count(
    kafka: KafkaBroker, topic_prefix: str, books_dsn: str, sql: Sql
) -> None:
    topic = f"{topic_prefix}ledger"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.endpoint)
    await admin.start()
    await admin.create_topics([NewTopic(topic, BUCKETS, 1)])
    await admin.close()
    ledger = Ledger(kafka.endpoint, topic, books_dsn)
    scribes, zombie = make_scribes(20), Scribe(next_chunk="zombie")
    zombie.open("customer-0", 1)

    async with AIOKafkaProducer(bootstrap_servers=kafka.endpoint, transactional_id=f"{topic}-0") as producer:
        await producer.begin_transaction()
        for entry in zombie.entries:
            await producer.send(topic, encode(entry), partition=0)
        await producer.abort_transaction()
        async with producer.transaction():
            for scribe in scribes:
                for entry in scribe.entries:
                    await producer.send(topic, encode(entry), partition=scribe.bucket)
    async with running(ledger.options()) as checkpointer:
        await wait_until(has_all(scribes, checkpointer))
        await wait_until(lambda: lag_of(checkpointer) == [0.0] * BUCKETS)

    await check_exact(sql, scribes)


async def test_days_past_the_retention_are_put_away_while_entries_come(ledger: Ledger, sql: Sql) -> None:
    scribes = make_scribes(5)
    for scribe in scribes:
        scribe.clock += 40 * 86_400_000
    add_messages(scribes, 5)
    await ledger.send(scribes)

    async with running(ledger.options(retention_days=31, retention_look_seconds=0.1)) as checkpointer:
        # A bucket whose first flush comes after the day has gone gets it back, until the next round.
        await wait_until(lambda: sql.fetchval("SELECT sum(seq) = $1 FROM bucket_anchors", 12 * BUCKETS))
        await wait_until(lambda: checkpointer.metrics.days_put_away._value.get() >= 1)

    assert 10 * BUCKETS == await sql.fetchval("SELECT count(*) FROM entries")
