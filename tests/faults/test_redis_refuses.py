"""Redis that answers and refuses: full, or a replica. Leaves a Redis that does not answer to the faults of servers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from metering.errors import Retryable
from tests.faults.bench import Bench


@pytest_asyncio.fixture
async def refusing(fresh_redis: Redis) -> AsyncIterator[Redis]:
    yield fresh_redis
    await fresh_redis.config_set("maxmemory", "0")
    await fresh_redis.replicaof("NO", "ONE")


async def test_full_redis_takes_nothing_of_a_chunk_and_all_of_it_once_there_is_room(refusing: Redis) -> None:
    bench = Bench(refusing)
    owner = await bench.first_owner()
    await refusing.config_set("maxmemory", "1")
    with pytest.raises(Retryable, match="apply of bucket 0"):
        await owner.top_up(5_000_000)
    assert await bench.balance() == 0
    assert await bench.outbox_seqs() == []
    await refusing.config_set("maxmemory", "0")
    await owner.top_up(5_000_000)
    assert await bench.balance() == 5_000_000


async def test_redis_that_has_become_a_replica_is_asked_again_and_does_not_stop_the_bucket(refusing: Redis) -> None:
    bench = Bench(refusing)
    owner = await bench.first_owner()
    await refusing.replicaof("127.0.0.1", "1")
    with pytest.raises(Retryable, match="apply of bucket 0"):
        await owner.top_up(5_000_000)
    await refusing.replicaof("NO", "ONE")
    await owner.top_up(5_000_000)
    assert await bench.balance() == 5_000_000
