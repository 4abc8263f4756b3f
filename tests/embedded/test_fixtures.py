"""The fixtures that every other suite stands on: clean at the start of each test, on both brokers."""

from __future__ import annotations

import asyncpg
from redis.asyncio import Redis

from tests.embedded.topics import create_topic, list_own_topics, read, send
from tests.stack.fresh import FreshStack


async def test_fresh_stack_takes_data_in_all_three_servers(stack: FreshStack, topic_prefix: str) -> None:
    async with Redis.from_url(stack.endpoints.redis_url) as redis:
        await redis.set("left-behind", "value")
    connection = await asyncpg.connect(stack.endpoints.postgres_dsn)
    await connection.execute("CREATE TABLE left_behind ()")
    await connection.close()
    bootstrap, topic = stack.endpoints.kafka_bootstrap, f"{topic_prefix}echo"
    await create_topic(bootstrap, topic)
    await send(bootstrap, topic, [b"a", b"b"])
    assert [record.value for record in await read(bootstrap, topic, 2, group=f"{topic_prefix}readers")] == [b"a", b"b"]


async def test_next_fresh_stack_has_nothing_of_the_last(stack: FreshStack) -> None:
    async with Redis.from_url(stack.endpoints.redis_url) as redis:
        assert await redis.dbsize() == 0
    connection = await asyncpg.connect(stack.endpoints.postgres_dsn)
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await connection.close()
    assert await list_own_topics(stack.endpoints.kafka_bootstrap) == []


async def test_fresh_stack_after_a_test_that_killed_everything_is_up(stack: FreshStack) -> None:
    for server in (stack.valkey, stack.postgres, stack.broker):
        await server.kill()


async def test_fresh_stack_names_its_servers_in_the_settings(stack: FreshStack, fresh_redis: Redis) -> None:
    assert await fresh_redis.ping()
    assert stack.settings() == {
        "METERING_REDIS__URL": stack.valkey.url,
        "METERING_POSTGRES__DSN": stack.endpoints.postgres_dsn,
        "METERING_KAFKA__BOOTSTRAP": stack.broker.endpoint,
    }
