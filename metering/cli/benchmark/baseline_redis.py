"""The baseline in plain redis-py: one EVALSHA an event that looks, debits, remembers and writes down, and nothing more.

Run as a child: `python -m metering.cli.benchmark.baseline_redis URL EVENTS CUSTOMERS CONCURRENCY`. Prints a JSON
line. It leaves out Kafka, prices, lots, holds, rules, restores: a floor for one call an event, kind to the baseline.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time

import msgspec
import uvloop
from redis.asyncio import Redis

from metering.cli.benchmark.baselines import CREDIT_MICROS, PRICE_MICROS, Done

_DEBIT = """
if redis.call('SET', KEYS[2], 1, 'NX', 'EX', 86400) == false then return 0 end
local balance = tonumber(redis.call('GET', KEYS[1]) or '0')
local price = tonumber(ARGV[1])
if balance < price then return -1 end
redis.call('DECRBY', KEYS[1], price)
redis.call('XADD', KEYS[3], '*', 'id', ARGV[2], 'amount', ARGV[1], 'before', string.format('%.0f', balance))
return 1
"""


async def debit_all(url: str, events: int, customers: int, concurrency: int) -> Done:
    """Debit `events` times and check that the balances are what they must be."""
    redis = Redis.from_url(url, max_connections=concurrency + 1)
    for first in range(0, customers, 10_000):
        keys = range(first, min(customers, first + 10_000))
        await redis.mset({f"balance:{number}": CREDIT_MICROS for number in keys})
    sha = await redis.script_load(_DEBIT)
    numbers = iter(range(events))
    pick = random.Random(7).choices(range(customers), k=events)  # noqa: S311  traffic, not a secret

    async def work() -> None:
        for number in numbers:
            event = f"event-{number}"
            keys = (f"balance:{pick[number]}", f"id:{event}", "ledger")
            if await redis.evalsha(sha, 3, *keys, PRICE_MICROS, event) != 1:
                raise RuntimeError(f"{event} was not debited")

    started, cpu = time.monotonic(), time.process_time()
    await asyncio.gather(*(work() for _ in range(concurrency)))
    seconds, cpu_seconds = time.monotonic() - started, time.process_time() - cpu
    entries = await redis.xlen("ledger")
    left = 0
    for first in range(0, customers, 10_000):
        found = await redis.mget([f"balance:{number}" for number in range(first, min(customers, first + 10_000))])
        left += sum(int(balance or 0) for balance in found)
    await redis.aclose()
    is_exact = entries == events and left == customers * CREDIT_MICROS - events * PRICE_MICROS
    return Done(events, round(seconds * 1000), round(cpu_seconds * 1e6 / events, 2), is_exact)


if __name__ == "__main__":
    done = uvloop.run(debit_all(sys.argv[1], *map(int, sys.argv[2:5])))
    sys.stdout.write(msgspec.json.encode(done).decode() + "\n")
