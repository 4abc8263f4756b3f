"""The facts about Tansu that metering must cope with. When one of these fails, a workaround may go."""

from __future__ import annotations

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import UnknownError

from metering.embedded.tansu import TansuBroker
from tests.embedded.topics import create_topic, list_own_topics, read, send


async def test_tansu_restarted_has_forgotten_its_topics() -> None:
    async with TansuBroker() as broker:
        await create_topic(broker.endpoint, "short-lived")
        assert await list_own_topics(broker.endpoint) == ["short-lived"]
        await broker.restart()
        assert await list_own_topics(broker.endpoint) == []


async def test_tansu_topic_with_log_append_time_keeps_the_producer_stamp(tansu: TansuBroker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}stamped"
    await create_topic(tansu.endpoint, topic, message_timestamp_type="LogAppendTime")
    await send(tansu.endpoint, topic, [b"old"], timestamp_ms=1_000)
    (record,) = await read(tansu.endpoint, topic, 1)
    assert (record.timestamp, record.timestamp_type) == (1_000, 0)


@pytest.mark.parametrize("option", [{"enable_idempotence": True}, {"transactional_id": "owner-0"}])
async def test_tansu_refuses_idempotent_and_transactional_producers(
    tansu: TansuBroker, option: dict[str, object]
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=tansu.endpoint, **option)
    with pytest.raises(UnknownError):
        await producer.start()
    await producer.stop()
