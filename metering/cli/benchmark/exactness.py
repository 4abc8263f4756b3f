"""Whether a run's ledger is exact: counted from the topics, and held against Redis and the books.

Leaves measuring to others: this reads everything again when the run is over.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec import Struct
from redis.asyncio import Redis

from metering.cli.benchmark.mixes import customer_name
from metering.cli.benchmark.population import Population
from metering.contracts.topics import Topic
from metering.ledger.live import BucketReader, balance_of
from metering.settings import Settings

SILENT_SECONDS_MAX = 5.0
"""A reader that finds nothing more for so long has seen all that is committed."""
PROBLEMS_MAX = 20


class _Event(Struct):
    id: str


class _Entry(Struct):
    seq: int
    chunk: str
    prev_chunk: str
    customer: str
    amount_micros: int = 0
    held_change_micros: int = 0
    event: _Event | None = None


class _Decision(Struct):
    event_id: str


class Exactness(Struct, frozen=True):
    """What was counted. `problems` is empty when every event took effect exactly once and all sums agree."""

    entries: int
    decisions: int
    spent_micros: int
    wallets: int
    books_entries: int | None
    problems: list[str]


class Ledger:
    """The ledger topic, folded."""

    def __init__(self) -> None:
        self.entries = 0
        self.spent_micros = 0
        self.seen: dict[str, int] = defaultdict(int)
        self.amounts: dict[str, int] = defaultdict(int)
        self.held: dict[str, int] = defaultdict(int)
        self.breaks = 0
        self._ends: dict[int, tuple[int, str]] = {}
        self._decode = msgspec.json.Decoder(_Entry).decode

    def take(self, bucket: int, value: bytes) -> None:
        """Fold a record; it must follow the last one of its bucket."""
        entry = self._decode(value)
        seq, chunk = self._ends.get(bucket, (0, ""))
        self.breaks += (entry.seq, entry.prev_chunk) != (seq + 1, chunk)
        self._ends[bucket] = entry.seq, entry.chunk
        self.entries += 1
        self.amounts[entry.customer] += entry.amount_micros
        self.held[entry.customer] += entry.held_change_micros
        self.spent_micros -= entry.amount_micros
        if entry.event is not None:
            self.seen[entry.event.id] += 1


async def check_exactness(
    settings: Settings, redis: Redis, population: Population, published: int, asking: int
) -> Exactness:
    """Read ledger, decisions, every wallet and, where a checkpointer ran (it has written), the books."""
    ledger, decided = Ledger(), set[str]()
    decode = msgspec.json.Decoder(_Decision).decode
    async for bucket, value in _records(settings, Topic.LEDGER, published, lambda: len(ledger.seen)):
        ledger.take(bucket, value)
    async for _, value in _records(settings, Topic.DECISIONS, asking, lambda: len(decided)):
        decided.add(decode(value).event_id)
    problems = count_problems(ledger, published, asking, len(decided))
    wallets, figures, wrong = await _check_wallets(redis, population, ledger)
    problems += wrong
    books_entries, wrong = await _check_books(settings, ledger, figures)
    problems += wrong
    return Exactness(ledger.entries, len(decided), ledger.spent_micros, wallets, books_entries, problems[:PROBLEMS_MAX])


async def _records(
    settings: Settings, topic: Topic, wanted: int, count: Callable[[], int]
) -> AsyncIterator[tuple[int, bytes]]:
    """Yield all committed records of a topic, with their buckets.

    It ends when nothing more comes; with less than `wanted` counted it waits longer for it.
    """
    kafka = settings.kafka
    consumer = AIOKafkaConsumer(
        **kafka.client_options(), isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(kafka.topic_prefix + topic, number) for number in range(kafka.partitions)])
        silent_since = time.monotonic()
        while time.monotonic() - silent_since < (SILENT_SECONDS_MAX if count() < wanted else 0.5):
            for partition, records in (await consumer.getmany(timeout_ms=100)).items():
                silent_since = time.monotonic()
                for record in records:
                    yield partition.partition, record.value
    finally:
        await consumer.stop()


def count_problems(ledger: Ledger, published: int, asking: int, decided: int) -> list[str]:
    """Return where the counts are not those of a run in which each event took effect once."""
    problems = []
    doubled = sum(count > 1 for count in ledger.seen.values())
    if len(ledger.seen) != published or doubled:
        problems.append(f"{published:,} events, {len(ledger.seen):,} of them with an entry, {doubled:,} with several")
    if ledger.breaks:
        problems.append(f"{ledger.breaks:,} entries do not follow the one before them in their bucket")
    if decided != asking:
        problems.append(f"{asking:,} events asked, {decided:,} were decided")
    return problems


async def _check_wallets(
    redis: Redis, population: Population, ledger: Ledger
) -> tuple[int, dict[str, tuple[int, int]], list[str]]:
    """Compare every wallet with what it had at first and what its entries add up to."""
    starts = [balance_of(sample.wallet) for sample in population.samples]
    figures: dict[str, tuple[int, int]] = {}
    seen, problems = 0, []
    for bucket, members in enumerate(population.by_bucket):
        found = {wallet.customer: balance_of(wallet) async for wallet in BucketReader(redis, bucket).scan_wallets()}
        seen += len(found)
        for number in members:
            name = customer_name(number)
            balance, start = found.get(name), starts[number % len(starts)]
            total = start.available_micros + start.held_micros + ledger.amounts.get(name, 0)
            due = (total - ledger.held.get(name, 0), ledger.held.get(name, 0))
            if balance is None or (balance.available_micros, balance.held_micros) != due:
                problems.append(f"{name} has {balance}, its entries lead to {due} (available, held)")
            elif name in ledger.amounts:
                figures[name] = due
    return seen, figures, problems


async def _check_books(
    settings: Settings, ledger: Ledger, figures: dict[str, tuple[int, int]]
) -> tuple[int | None, list[str]]:
    connection = await asyncpg.connect(settings.postgres.dsn)
    try:
        if not await connection.fetchval("SELECT count(*) FROM positions"):
            return None, []
        kept = await connection.fetchval(
            "SELECT (SELECT count(*) FROM entries) + coalesce((SELECT sum(attempts) FROM denials), 0)::bigint"
        )
        spent = await connection.fetchval("SELECT -coalesce(sum(amount_micros), 0)::bigint FROM entries")
        rows = await connection.fetch("SELECT customer, available_micros, held_micros FROM wallets")
    finally:
        await connection.close()
    problems = []
    if (kept, spent) != (ledger.entries, ledger.spent_micros):
        problems.append(
            f"the books have {kept:,} entries that spent {spent:,}, the ledger {ledger.entries:,} that spent "
            f"{ledger.spent_micros:,} micro-units"
        )
    written = {customer: (available, held) for customer, available, held in rows}
    problems += [
        f"{name} has {written.get(name)} in the books and {due} in Redis (available, held)"
        for name, due in figures.items()
        if written.get(name) != due
    ]
    return kept, problems
