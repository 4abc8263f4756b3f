"""What the ledger's Lua costs Redis, by mix of events: processor time of the server itself, pricing and Kafka left out.

    python -m tests.benchmarks.ledger [EVENTS]

One bucket, chunks of 400, customers drawn Zipf-like. Beside it what a turn of an empty Lua loop costs the same server
at the same time: machines differ, and from hour to hour. Every mix ends with a look that the money adds up.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from metering.contracts.commands import Command, OpenCustomer, TopUp
from metering.contracts.entries import CustomerSettings, EventReference, InputReference, Position
from metering.embedded.valkey import ValkeyServer
from metering.ledger.carried import Carried
from metering.ledger.codes import Flag, Moment
from metering.ledger.identity import event_digest, fresh_chunk_id, fresh_token
from metering.ledger.inputs import ChunkBuilder, CustomerPolicy
from metering.ledger.live import BucketReader, balance_of
from metering.ledger.results import decode_results
from metering.ledger.state import BucketPosition
from metering.ledger.till import Applied, Head, LedgerEnd, Till
from metering.rating import load_catalog
from metering.worker.claiming import nothing_stored
from metering.worker.command_inputs import add_command
from metering.worker.customers import NOBODY, Customer

CHUNK = 400
PLAN = "payg-usd"
CUSTOMERS = 10_000
PRICE = 7_500
CREDIT = 10**12
CLOCK = 1_790_000_000_000
HOLD_MS = 3 * 86_400_000

Add = Callable[[ChunkBuilder, int, "Bench"], None]


class Bench:
    """One bucket, its owner, and its clock."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.till = Till(redis, 0)
        self.token = fresh_token()
        self.head = Head(0, "", Position(0, 0))
        self.clock = CLOCK
        self.names = [f"customer-{n}" for n in range(CUSTOMERS)]
        weights = [1 / (n + 1) for n in range(CUSTOMERS)]
        self.drawn = random.Random(7).choices(self.names, weights, k=200_000)
        self.spent = 0
        self.catalog = load_catalog()

    async def open(self) -> None:
        """Claim an empty bucket and open the customers, each with credit."""
        await self.redis.flushall()
        await self.till.claim(self.token)
        await self.till.restore(self.token, BucketPosition(0, "", 0, 0, 0, 0), 0, [], nothing_stored())
        plan = self.catalog.plans[PLAN]
        known = Customer(CustomerSettings(1, PLAN, "USD"), CustomerPolicy(1), plan)
        commands: list[tuple[Customer, Callable[[str], Command]]] = [
            (NOBODY, lambda name: OpenCustomer(id="open", customer=name, actor="bench", plan=PLAN)),
            (known, lambda name: TopUp(id="credit", customer=name, actor="bench", amount_micros=CREDIT, unit="USD")),
        ]
        for customer, make in commands:
            for first in range(0, CUSTOMERS, CHUNK):
                builder = ChunkBuilder(self.head.position)
                for name in self.names[first : first + CHUNK]:
                    offset = self.head.position.commands + len(builder)
                    where, after = InputReference("commands", 0, offset), Position(0, offset + 1)
                    add_command(builder, make(name), customer, self.catalog, where, after, self.clock)
                await self.apply(builder, usage=0)

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
    about = bench.about(customer, len(builder), event=event, charge_id=charge, sender="+15550100", country="US")
    return bench.clock, about, CustomerPolicy(1), event_digest("bench", f"{bench.head.seq}-{len(builder)}")


def submit(builder: ChunkBuilder, n: int, bench: Bench, charge: str, due: Moment, price: int = PRICE) -> None:
    """Submit a text that is charged at `due`."""
    builder.submit(
        *_event(builder, n, bench, charge),
        wallet="main",
        charge=charge,
        sender="+15550100",
        price=price,
        charge_on=due.value,
        deadline_at_ms=bench.clock + HOLD_MS,
        failed_fee=0,
        flags=Flag.SINGLE.value,
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


MIXES: dict[str, Add] = {
    "debit": debit,
    "reserve and commit": reserve_and_commit,
    "submitted, sent, delivered": whole_life,
    "half denied": denied,
}


def chunks(add: Add, events: int, bench: Bench) -> Iterator[ChunkBuilder]:
    """Build the chunks of a mix, one when it is asked for."""
    for first in range(0, events, CHUNK):
        builder = ChunkBuilder(bench.head.position)
        for n in range(first, min(first + CHUNK, events)):
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


async def measure(redis: Redis, events: int) -> dict[str, float]:
    """Return microseconds of Redis for an event, by mix."""
    figures = {}
    for name, add in MIXES.items():
        bench = Bench(redis)
        await bench.open()
        before = await cpu_seconds(redis)
        for builder in chunks(add, events, bench):
            await bench.apply(builder, usage=len(builder))
        figures[name] = (await cpu_seconds(redis) - before) / events * 1e6
        reader = BucketReader(redis, 0)
        left = 0
        async for wallet in reader.scan_wallets():
            figure = balance_of(wallet)
            left += figure.available_micros + figure.held_micros
        assert left == CREDIT * CUSTOMERS - bench.spent, f"{name}: the wallets do not add up"
    return figures


async def main(events: int) -> None:
    """Measure on a Valkey of its own."""
    with tempfile.TemporaryDirectory() as directory:
        server = ValkeyServer(Path(directory))
        await server.start()
        try:
            redis = Redis.from_url(server.url)
            turn = await calibrate(redis)
            sys.stdout.write(f"{'a turn of a Lua loop':28} {turn:6.1f} ns\n")
            for name, figure in (await measure(redis, events)).items():
                sys.stdout.write(f"{name:28} {figure:6.2f} us of Redis an event, {figure * 1000 / turn:5.0f} turns\n")
            await redis.aclose()
        finally:
            await server.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000))
