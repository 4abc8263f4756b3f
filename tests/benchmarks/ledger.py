"""What the ledger's Lua costs Redis, by mix of events: processor time of the server itself, pricing and Kafka left out.

    python -m tests.benchmarks.ledger [EVENTS]

One bucket, chunks of 400 where a mix does not say otherwise, customers drawn Zipf-like. Beside it what a turn of an
empty Lua loop costs the same server at the same time: machines differ, and from hour to hour. Every mix ends with a
look that the money adds up, and the largest with what a wallet that nobody uses, and an event that is remembered, take
of memory.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct
from redis.asyncio import Redis

from metering.contracts.commands import Command, OpenCustomer, PutLimit, TopUp
from metering.contracts.entries import EventReference, InputReference, Position
from metering.embedded.valkey import ValkeyServer
from metering.ledger.carried import Carried
from metering.ledger.codes import Flag, Moment
from metering.ledger.gathering import CustomerPolicy
from metering.ledger.head import Head
from metering.ledger.identity import event_digest, fresh_chunk_id, fresh_token
from metering.ledger.inputs import ChunkBuilder
from metering.ledger.keys import BucketKeys, slot_of
from metering.ledger.live import BucketReader, balance_of
from metering.ledger.results import decode_results
from metering.ledger.state import BucketPosition
from metering.ledger.till import Applied, LedgerEnd, Till
from metering.rating import load_catalog
from metering.worker.claiming import nothing_stored
from metering.worker.command_inputs import add_command
from metering.worker.customers import NOBODY, Customer

CHUNK = 400
PLAN = "payg-usd"
CUSTOMERS = 10_000
CAMPAIGN = "summer"
SENDER = "+15550100"
LOT_EVENTS = 20
"""What the smaller lots of a wallet with several are good for: busy customers use them up, charges straddle them."""
PRICE = 7_500
CREDIT = 10**12
CLOCK = 1_790_000_000_000
HOLD_MS = 3 * 86_400_000

Add = Callable[[ChunkBuilder, int, "Bench"], None]


class Bench:
    """One bucket, its owner, and its clock."""

    def __init__(self, redis: Redis, customers: int = CUSTOMERS, lots: int = 1, limits: int = 0) -> None:
        self.redis = redis
        self.lots, self.limits = lots, limits
        self.till = Till(redis, 0)
        self.token = fresh_token()
        self.head = Head(0, "", Position(0, 0))
        self.clock = CLOCK
        self.names = [f"customer-{n}" for n in range(customers)]
        weights = [1 / (n + 1) for n in range(customers)]
        self.drawn = random.Random(7).choices(self.names, weights, k=200_000)
        self.spent = 0
        self.granted = 0
        self.version = 1
        self.catalog = load_catalog()

    async def open(self) -> None:
        """Claim an empty bucket and open the customers, each with credit."""
        await self.redis.flushall()
        await self.till.claim(self.token)
        await self.till.restore(self.token, BucketPosition(0, "", 0, 0, 0, 0), 0, [], nothing_stored())
        for number, make in enumerate(self._openings()):
            known = await BucketReader(self.redis, 0).settings(self.names[:1])
            settings = known[0]
            plan = self.catalog.plans[PLAN]
            customer = Customer(settings, CustomerPolicy(settings.version), plan) if settings else NOBODY
            for first in range(0, len(self.names), CHUNK):
                builder = ChunkBuilder(self.head.position)
                for name in self.names[first : first + CHUNK]:
                    offset = self.head.position.commands + len(builder)
                    where, after = InputReference("commands", 0, offset), Position(0, offset + 1)
                    command = make(name, f"opening-{number}")
                    add_command(builder, command, customer, self.catalog, where, after, self.clock)
                await self.apply(builder, usage=0)
        settings = (await BucketReader(self.redis, 0).settings(self.names[:1]))[0]
        assert settings is not None
        self.version = settings.version

    def _openings(self) -> Iterable[Callable[[str, str], Command]]:
        """Yield what opens a customer, one command after the other, each made of name and id."""
        yield lambda name, key: OpenCustomer(id=key, customer=name, actor="bench", plan=PLAN)
        for lot in range(self.lots):
            amount = CREDIT if lot == self.lots - 1 else LOT_EVENTS * PRICE + lot
            self.granted += amount * len(self.names)
            lapses = self.clock + (lot + 1) * 30 * 86_400_000
            yield lambda name, key, amount=amount, lapses=lapses: TopUp(  # type: ignore[misc]
                id=key, customer=name, actor="bench", amount_micros=amount, unit="USD", expires_at_ms=lapses
            )
        limits = (("customer", "all", "day"), ("sender", SENDER, "day"), ("campaign", CAMPAIGN, "month"))
        for level, of, window in limits[: self.limits]:
            yield lambda name, key, level=level, of=of, window=window: PutLimit(  # type: ignore[misc]
                id=key, customer=name, actor="bench", level=level, name=of, window=window, cap_micros=CREDIT
            )

    def about(self, customer: str, at: int, topic: str = "usage", **more: Any) -> Carried:
        """What an input carries, about as long as a real one."""
        offset = (self.head.position.usage if topic == "usage" else self.head.position.commands) + at
        where = InputReference(topic, 0, offset)  # type: ignore[arg-type]
        after = Position(offset + 1, self.head.position.commands)
        return Carried(position=after, applied_at_ms=self.clock, input=where, customer=customer, unit="USD", **more)

    async def apply(self, builder: ChunkBuilder, usage: int) -> None:
        """Apply one chunk and trim it, as a worker does."""
        old = self.head.position
        end = Position(old.usage + usage, old.commands + len(builder) - usage)
        chunk_id, chunk = fresh_chunk_id(), builder.finish(end)
        answer = await self.till.apply(self.token, self.head, chunk_id, chunk)
        assert isinstance(answer, Applied), answer
        results = decode_results(answer.results)
        self.spent -= sum(result.amount for result in results if usage)
        self.head = Head(self.head.seq + len(results), chunk_id, end)
        await self.till.trim(self.token, LedgerEnd(self.head.seq, chunk_id, self.head.seq))
        self.clock += 20


def _event(builder: ChunkBuilder, n: int, bench: Bench, charge: str | None = None) -> tuple[Any, ...]:
    customer = bench.drawn[n % len(bench.drawn)] if charge is None else charge.split("/", 1)[0]
    event = EventReference("bench", f"event-{bench.head.seq}-{len(builder)}", "sms.submitted", bench.clock)
    about = bench.about(customer, len(builder), event=event, charge_id=charge, sender=SENDER, country="US")
    return bench.clock, about, CustomerPolicy(bench.version), event_digest("bench", f"{bench.head.seq}-{len(builder)}")


def submit(builder: ChunkBuilder, n: int, bench: Bench, charge: str, due: Moment, price: int = PRICE) -> None:
    """Submit a text that is charged at `due`."""
    builder.submit(
        *_event(builder, n, bench, charge),
        wallet="main",
        charge=charge,
        sender=SENDER,
        price=price,
        charge_on=due.value,
        deadline_at_ms=bench.clock + HOLD_MS,
        failed_fee=0,
        flags=Flag.SINGLE.value,
        acting=(None, CAMPAIGN, SENDER) if bench.limits else None,
    )


def charge_of(n: int, bench: Bench) -> str:
    """The name of the `n`-th message, which begins with its customer."""
    return f"{bench.drawn[n % len(bench.drawn)]}/{n}"


def debit(builder: ChunkBuilder, n: int, bench: Bench) -> None:
    """Charged at once."""
    submit(builder, n, bench, charge_of(n, bench), Moment.SUBMIT)


def denied(builder: ChunkBuilder, n: int, bench: Bench) -> None:
    """Every other one costs more than there is."""
    submit(builder, n, bench, charge_of(n, bench), Moment.SUBMIT, CREDIT * 2 if n % 2 else PRICE)


def reserve_and_commit(builder: ChunkBuilder, n: int, bench: Bench) -> None:
    """Reserved, and charged 40 messages later."""
    life(builder, n, bench, (Moment.SENT,))


def whole_life(builder: ChunkBuilder, n: int, bench: Bench) -> None:
    """Submitted, sent, delivered."""
    life(builder, n, bench, (Moment.SENT, Moment.DELIVERED))


def life(builder: ChunkBuilder, n: int, bench: Bench, outcomes: tuple[Moment, ...]) -> None:
    """One event of lives that overlap: message m is submitted at m * steps, its outcomes follow 40 messages later."""
    steps = 1 + len(outcomes)
    message, step = divmod(n, steps)
    if step == 0:
        submit(builder, n, bench, charge_of(message, bench), Moment.SENT)
        return
    charge = charge_of(max(0, message - 40 * step), bench)
    builder.outcome(*_event(builder, n, bench, charge), wallet="main", charge=charge, moment=outcomes[step - 1])


class Mix(Struct, frozen=True):
    """What comes in, and for whom."""

    add: Add
    customers: int = CUSTOMERS
    lots: int = 1
    limits: int = 0
    chunk: int = CHUNK
    """Events of a call: 400 in a backlog, two or three under a light load."""


MIXES = {
    "debit": Mix(debit),
    "reserve and commit": Mix(reserve_and_commit),
    "submitted, sent, delivered": Mix(whole_life),
    "half denied": Mix(denied),
    "debit, 5 lots a wallet": Mix(debit, lots=5),
    "debit, 3 limits a charge": Mix(debit, limits=3),
    "debit, 3 events a chunk": Mix(debit, chunk=3),
    "debit, 100,000 customers": Mix(debit, customers=100_000),
}


def chunks(add: Add, events: int, bench: Bench, chunk: int = CHUNK) -> Iterator[ChunkBuilder]:
    """Build the chunks of a mix, one when it is asked for."""
    for first in range(0, events, chunk):
        builder = ChunkBuilder(bench.head.position)
        for n in range(first, min(first + chunk, events)):
            add(builder, n, bench)
        yield builder


async def cpu_seconds(redis: Redis) -> float:
    """Processor time of the server's main thread."""
    info = await redis.info("cpu")
    return float(info["used_cpu_user_main_thread"]) + float(info["used_cpu_sys_main_thread"])


async def calibrate(redis: Redis) -> float:
    """Return nanoseconds of Redis for one turn of an empty Lua loop: what the machine is worth just now."""
    turns = 3_000_000
    before = await cpu_seconds(redis)
    await redis.eval(f"local sum = 0 for n = 1, {turns} do sum = sum + n % 7 end return sum", 0)
    return (await cpu_seconds(redis) - before) / turns * 1e9


async def measure(redis: Redis, events: int, mix: Mix) -> float:
    """Return microseconds of Redis for an event."""
    bench = Bench(redis, mix.customers, mix.lots, mix.limits)
    await bench.open()
    before = await cpu_seconds(redis)
    for builder in chunks(mix.add, events, bench, mix.chunk):
        await bench.apply(builder, usage=len(builder))
    figure = (await cpu_seconds(redis) - before) / events * 1e6
    left = 0
    async for wallet in BucketReader(redis, 0).scan_wallets():
        balance = balance_of(wallet)
        left += balance.available_micros + balance.held_micros
    assert left == bench.granted - bench.spent, "the wallets do not add up"
    return figure


async def bytes_each(redis: Redis, *keys: str) -> float:
    """Return what a field of the first hash takes of memory, with what the same field takes in the others."""
    sizes = [await redis.memory_usage(key, samples=0) or 0 for key in keys]
    return sum(sizes) / await redis.hlen(keys[0])


async def main(events: int) -> None:
    """Measure on a Valkey of its own."""
    with tempfile.TemporaryDirectory() as directory:
        server = ValkeyServer(Path(directory))
        await server.start()
        try:
            redis = Redis.from_url(server.url)
            for name, mix in MIXES.items():
                turn = await calibrate(redis)
                figure = await measure(redis, events, mix)
                sys.stdout.write(f"{name:28} {figure:6.2f} us of Redis an event, {figure * 1000 / turn:5.0f} turns\n")
            keys = BucketKeys(0)
            wallet = await bytes_each(redis, keys.wallets, keys.customers)
            remembered = await bytes_each(redis, *keys.slots([slot_of(CLOCK)])[:1])
            sys.stdout.write(f"{'a wallet, idle':28} {wallet:6.0f} bytes, its customer's record with it\n")
            sys.stdout.write(f"{'an event, remembered':28} {remembered:6.0f} bytes\n")
            await redis.aclose()
        finally:
            await server.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000))
