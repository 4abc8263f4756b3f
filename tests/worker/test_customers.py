"""What a worker remembers of its customers stays bounded, and what it needs next is not what it drops."""

from __future__ import annotations

from collections.abc import Sequence

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


async def opened(redis: Redis, most: int = 1_000) -> tuple[WatchedReader, CustomerCache]:
    """A bucket with customers, and a cache of so many that has read none of them yet."""
    bucket = MeteredBucket(redis)
    await bucket.open()
    await bucket.commands(*(command("open_customer", "open", customer=name, plan="payg-usd") for name in NAMES))
    reader = WatchedReader(redis)
    return reader, CustomerCache(reader, load_catalog(RATES), lambda: most)


async def test_full_cache_drops_who_was_not_met_for_long_and_keeps_who_was(fresh_redis: Redis) -> None:
    reader, cache = await opened(fresh_redis, 4)
    often, *seldom = NAMES
    for name in seldom:
        await cache.load([often])
        await cache.load([often, name])
    assert reader.read == NAMES

    reader.read.clear()
    await cache.load([often])
    await cache.load([NAMES[1]])
    assert reader.read == [NAMES[1]]


async def test_cache_never_holds_more_than_it_may(fresh_redis: Redis) -> None:
    _, cache = await opened(fresh_redis, 4)
    for name in NAMES * 3:
        await cache.load([name])
        assert len(cache) <= 4
        assert cache.loaded[name].settings is not None


async def test_chunk_of_more_customers_than_are_kept_is_priced_all_the_same(fresh_redis: Redis) -> None:
    _, cache = await opened(fresh_redis, 4)
    for _ in range(2):
        await cache.load(NAMES)
        assert all(cache.loaded[name].settings for name in NAMES)


async def test_customer_whose_settings_changed_is_read_anew_wherever_it_was_kept(fresh_redis: Redis) -> None:
    reader, cache = await opened(fresh_redis, 4)
    for name in NAMES[:3]:
        await cache.load([name])
    cache.forget(NAMES[0])
    cache.forget(NAMES[2])
    reader.read.clear()

    await cache.load(NAMES[:3])

    assert reader.read == [NAMES[0], NAMES[2]]


async def test_customers_of_one_plan_share_what_lua_is_told_of_them(fresh_redis: Redis) -> None:
    _, cache = await opened(fresh_redis)
    await cache.load([*NAMES[:2], "stranger"])

    assert cache.loaded[NAMES[0]].policy is cache.loaded[NAMES[1]].policy
    known = cache.loaded[NAMES[0]]
    assert known.settings is not None
    assert known.policy == customers.policy_of(known.settings, known.plan)
    assert cache.loaded["stranger"] is NOBODY
