"""The fixtures that every other suite stands on."""

from __future__ import annotations

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from redis.asyncio import Redis

from metering.embedded.tansu import FETCH_WAIT_MS_MAX, SESSION_TIMEOUT_MS
from tests.stack.fresh import FreshStack


async def test_fresh_stack_is_empty_and_takes_data(stack: FreshStack, topic_prefix: str) -> None:
    async with Redis.from_url(stack.endpoints.redis_url) as redis:
        assert await redis.dbsize() == 0
        await redis.set("key", "value")
    connection = await asyncpg.connect(stack.endpoints.postgres_dsn)
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await connection.close()

    topic = f"{topic_prefix}echo"
    await create_topic(stack.endpoints.kafka_bootstrap, topic)
    assert await send_and_read(stack.endpoints.kafka_bootstrap, topic, [b"a", b"b"]) == [b"a", b"b"]


async def test_second_fresh_stack_has_nothing_of_the_first(stack: FreshStack) -> None:
    async with Redis.from_url(stack.endpoints.redis_url) as redis:
        assert await redis.get("key") is None
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.endpoints.kafka_bootstrap)
    await admin.start()
    assert [name for name in await admin.list_topics() if not name.startswith("__")] == []
    await admin.close()


async def create_topic(bootstrap: str, topic: str, partitions: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, partitions, 1)])
    finally:
        await admin.close()


async def send_and_read(bootstrap: str, topic: str, values: list[bytes]) -> list[bytes]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    for value in values:
        await producer.send_and_wait(topic, value)
    await producer.stop()
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=f"{topic}-readers",
        auto_offset_reset="earliest",
        fetch_max_wait_ms=FETCH_WAIT_MS_MAX,
        session_timeout_ms=SESSION_TIMEOUT_MS,
    )
    await consumer.start()
    read: list[bytes] = []
    while len(read) < len(values):
        batches = await consumer.getmany(timeout_ms=200)
        read += [record.value for batch in batches.values() for record in batch]
    await consumer.stop()
    return read
