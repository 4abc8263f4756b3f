"""The fixtures that every other suite stands on: clean at the start of each test, on both brokers."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from metering.settings import load_settings
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


async def test_fresh_stack_is_what_the_settings_come_to(
    stack: FreshStack, fresh_redis: Redis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert await fresh_redis.ping()
    monkeypatch.chdir(tmp_path)
    for name, value in stack.settings().items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.redis.url == stack.valkey.url
    assert settings.postgres.dsn == stack.endpoints.postgres_dsn
    assert settings.kafka.bootstrap == stack.broker.endpoint
    assert settings.kafka.group.startswith(settings.kafka.topic_prefix)
    assert settings.kafka.topic_prefix == stack.topic_prefix
