"""The little of Kafka's protocol that these tests need; leaves what goes over topics to other suites."""

from __future__ import annotations

from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from metering.embedded.tansu import FETCH_WAIT_MS_MAX, SESSION_TIMEOUT_MS


async def create_topic(bootstrap: str, topic: str, **settings: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        configs: Mapping[str, str] = {name.replace("_", "."): value for name, value in settings.items()}
        answer = await admin.create_topics([NewTopic(topic, 1, 1, topic_configs=configs)])
        assert [error for _, error, *_ in answer.topic_errors] == [0]
    finally:
        await admin.close()


async def list_own_topics(bootstrap: str) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return [name for name in await admin.list_topics() if not name.startswith("__")]
    finally:
        await admin.close()


async def send(bootstrap: str, topic: str, values: list[bytes], timestamp_ms: int | None = None) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, timestamp_ms=timestamp_ms)


async def read(bootstrap: str, topic: str, count: int, group: str | None = None) -> list[ConsumerRecord]:
    """Read exactly `count` committed records; the test's own timeout ends a read that stays short of them."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=FETCH_WAIT_MS_MAX,
        session_timeout_ms=SESSION_TIMEOUT_MS,
    )
    await consumer.start()
    try:
        records: list[ConsumerRecord] = []
        while len(records) < count:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                records += batch
        return records
    finally:
        await consumer.stop()
