"""Customers of a scenario, put into Redis and the books as they stand after a few commands.

One customer of each kind is opened and given its credit by real commands through the ledger's scripts; what these leave
is copied to all others under their own names, and loaded as a recovery loads a bucket. So a million customers are there
in half a minute, and each is what a million commands would have made it. Leaves the run to the worker.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace
from redis.asyncio import Redis

from metering.cli.benchmark.mixes import customer_name, plan_of
from metering.cli.benchmark.scenario import MixName, Scenario
from metering.contracts.commands import Command, OpenCustomer, PutLimit, TopUp
from metering.contracts.entries import InputReference, Position
from metering.contracts.partitioning import murmur2
from metering.contracts.states import LimitLevel, Window
from metering.errors import ensure
from metering.ledger.head import Head
from metering.ledger.identity import fresh_chunk_id, fresh_token
from metering.ledger.inputs import ChunkBuilder
from metering.ledger.live import BucketReader
from metering.ledger.state import BucketPosition, CustomerState, RecordState, StateRecord, WalletState
from metering.ledger.till import Applied, Till
from metering.rating.catalog import Catalog
from metering.worker.claiming import nothing_stored
from metering.worker.command_inputs import add_command
from metering.worker.customers import CustomerCache

CREDIT_MICROS = 10**12
LOTS = 5
BATCH = 1_000
ACTOR = "bench"


class Sample(Struct, frozen=True):
    """What belongs to one customer."""

    customer: CustomerState
    wallet: WalletState
    states: tuple[RecordState, ...]

    def named(self, name: str) -> Iterator[StateRecord]:
        """Yield the same for another customer."""
        yield replace(self.customer, customer=name)
        yield replace(self.wallet, customer=name)
        for state in self.states:
            yield replace(state, customer=name)


class Population(Struct, frozen=True):
    """Who there is: by bucket the customers' numbers, and what each has."""

    by_bucket: tuple[tuple[int, ...], ...]
    samples: tuple[Sample, ...]
    clock_ms: int

    def sample_of(self, customer: int) -> Sample:
        """Return what a customer had at first."""
        return self.samples[customer % len(self.samples)]

    def bucket_of(self) -> list[int]:
        """Return the bucket of each customer."""
        buckets = [0] * sum(len(members) for members in self.by_bucket)
        for bucket, members in enumerate(self.by_bucket):
            for customer in members:
                buckets[customer] = bucket
        return buckets


async def populate(redis: Redis, scenario: Scenario, catalog: Catalog) -> Population:
    """Empty Redis and put the scenario's customers there, every bucket ready for its first claim.

    Interrupted, Redis holds a part: start again.
    """
    samples = []
    for commands in _openings(scenario.mix):
        await redis.flushall()
        samples.append(await _open_sample(redis, commands, catalog))
    await redis.flushall()
    by_bucket: list[list[int]] = [[] for _ in range(scenario.partitions)]
    for number in range(scenario.customers):
        hashed = murmur2(customer_name(number).encode()) & 0x7FFFFFFF
        by_bucket[hashed % scenario.partitions].append(number)
    clock_ms = time.time_ns() // 1_000_000
    population = Population(tuple(map(tuple, by_bucket)), tuple(samples), clock_ms)
    for bucket in range(scenario.partitions):
        till, token = Till(redis, bucket), fresh_token()
        await till.claim(token)
        await till.restore(token, BucketPosition(0, "", 0, 0, 0, 0), 0, [], _batches(population, bucket))
    return population


async def _batches(population: Population, bucket: int) -> AsyncIterator[Sequence[StateRecord]]:
    members = population.by_bucket[bucket]
    for first in range(0, len(members), BATCH):
        batch: list[StateRecord] = []
        for customer in members[first : first + BATCH]:
            batch += population.sample_of(customer).named(customer_name(customer))
        yield batch


def _openings(mix: MixName) -> list[list[Command]]:
    """Return the commands of each kind of customer."""
    name = customer_name(0)
    opened = OpenCustomer(id="open", customer=name, actor=ACTOR, plan=plan_of(mix))
    if mix == "denied":
        return [[opened, _top_up(0, CREDIT_MICROS)], [opened]]
    lots = LOTS if mix == "lots" else 1
    credit = [_top_up(number, CREDIT_MICROS // lots) for number in range(lots)]
    return [[opened, *credit, *(_LIMITS if mix == "limits" else [])]]


def _top_up(number: int, micros: int) -> TopUp:
    return TopUp(id=f"credit-{number}", customer=customer_name(0), actor=ACTOR, amount_micros=micros, unit="USD")


def _put_limit(level: LimitLevel, window: Window, name: str) -> PutLimit:
    return PutLimit(
        id=f"{level}-{window}",
        customer=customer_name(0),
        actor=ACTOR,
        level=level,
        window=window,
        name=name,
        cap_micros=CREDIT_MICROS,
    )


_LIMITS = [
    _put_limit("customer", "day", "all"),
    _put_limit("customer", "month", "all"),
    _put_limit("wallet", "month", "main"),
]


async def _open_sample(redis: Redis, commands: list[Command], catalog: Catalog) -> Sample:
    """Carry the commands out in bucket 0 and read what they leave."""
    till, token, reader = Till(redis, 0), fresh_token(), BucketReader(redis, 0)
    await till.claim(token)
    await till.restore(token, BucketPosition(0, "", 0, 0, 0, 0), 0, [], nothing_stored())
    head, name = Head(0, "", Position(0, 0)), customer_name(0)
    cache = CustomerCache(reader, catalog)
    clock_ms = time.time_ns() // 1_000_000
    for offset, command in enumerate(commands):
        await cache.load([name])
        builder = ChunkBuilder(head.position)
        after = Position(0, offset + 1)
        where = InputReference("commands", 0, offset)
        add_command(builder, command, cache.loaded[name], catalog, where, after, clock_ms)
        chunk_id = fresh_chunk_id()
        applied = await till.apply(token, head, chunk_id, builder.finish(after))
        ensure(isinstance(applied, Applied), f"{command.id} was not applied: {applied}")
        status = await reader.status()
        head = Head(status.seq, chunk_id, after)
        cache.forget(name)
    (settings,) = await reader.settings([name])
    wallet = await reader.wallet(name, "main")
    if settings is None or wallet is None:
        raise RuntimeError("the customer was not opened")
    states = tuple(RecordState(name, state) for state in await reader.states(name))
    return Sample(CustomerState(name, settings), wallet, states)
