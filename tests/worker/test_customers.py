"""What a worker remembers of its customers stays bounded, and what it needs next is not what it drops."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from redis.asyncio import Redis

from metering.contracts.entries import CustomerSettings
from metering.ledger.live import BucketReader
from metering.rating import load_catalog
from metering.worker import customers
from metering.worker.customers import NOBODY, CustomerCache
from tests.end_to_end.system import RATES
from tests.worker.metered_bucket import MeteredBucket
from tests.worker.records import command

NAMES = [f"customer-{number}" for number in range(6)]


class WatchedReader(BucketReader):
    """Notes what is read."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis, 0)
        self.read: list[str] = []

    async def settings(self, customers: Sequence[str]) -> list[CustomerSettings | None]:
        """Read, and note it."""
        self.read += customers
        return await super().settings(customers)


async def opened(redis: Redis) -> tuple[WatchedReader, CustomerCache]:
    """A bucket with customers, and a cache that has read none of them yet."""
    bucket = MeteredBucket(redis)
    await bucket.open()
    await bucket.commands(*(command("open_customer", "open", customer=name, plan="payg-usd") for name in NAMES))
    reader = WatchedReader(redis)
    return reader, CustomerCache(reader, load_catalog(RATES))


async def test_full_cache_drops_the_half_that_came_first_and_keeps_what_is_wanted(
    fresh_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customers, "CUSTOMERS_CACHED_MAX", 4)
    reader, cache = await opened(fresh_redis)
    await cache.load(NAMES[:4])
    await cache.load([NAMES[0], NAMES[4]])
    assert reader.read == NAMES[:5]

    await cache.load([NAMES[0], NAMES[2], NAMES[3], NAMES[4]])
    assert reader.read == NAMES[:5]
    await cache.load([NAMES[1]])
    assert reader.read == [*NAMES[:5], NAMES[1]]


async def test_cache_never_holds_more_than_it_may(fresh_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customers, "CUSTOMERS_CACHED_MAX", 4)
    _, cache = await opened(fresh_redis)
    for name in NAMES * 3:
        await cache.load([name])
        assert len(cache) <= 4


async def test_customers_of_one_plan_share_what_lua_is_told_of_them(fresh_redis: Redis) -> None:
    _, cache = await opened(fresh_redis)
    await cache.load([*NAMES[:2], "stranger"])

    assert cache.get(NAMES[0]).policy is cache.get(NAMES[1]).policy
    known = cache.get(NAMES[0])
    assert known.settings is not None
    assert known.policy == customers.policy_of(known.settings, known.plan)
    assert cache.get("stranger") is NOBODY
