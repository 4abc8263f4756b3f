"""No topic refuses what a worker with a wrong clock writes: the log stamps every record itself."""

from __future__ import annotations

import time

import pytest
from aiokafka import AIOKafkaProducer

from metering.contracts.topics import TOPIC_PLANS
from metering.embedded.kafka import KafkaBroker
from metering.settings import KafkaSettings
from metering.worker.topics import create_topics

DAY_SECONDS = 86_400


@pytest.mark.kafka
async def test_what_is_stamped_a_day_ahead_is_taken_by_every_topic(kafka: KafkaBroker, topic_prefix: str) -> None:
    settings = KafkaSettings(bootstrap=kafka.endpoint, topic_prefix=topic_prefix, partitions=1, replication_factor=1)
    await create_topics(settings)
    ahead_ms = round((time.time() + DAY_SECONDS) * 1_000)

    async with AIOKafkaProducer(bootstrap_servers=kafka.endpoint) as producer:
        for plan in TOPIC_PLANS:
            name = topic_prefix + plan.topic
            sent = await producer.send_and_wait(name, b"{}", key=b"acme", timestamp_ms=ahead_ms)
            assert sent.timestamp < ahead_ms, name
            assert sent.timestamp_type == 1, name
