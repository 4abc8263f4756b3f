"""A broker with the topics of one installation of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from metering.contracts.topics import TOPIC_PLANS, Topic
from metering.embedded.kafka import KafkaBroker
from metering.embedded.tansu import TansuBroker
from metering.settings import KafkaSettings
from metering.worker.topics import create_topics

PARTITIONS = 3
QUIET_POLLS = 10


class Installation:
    """Topics under a prefix, and what stands in them."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.kafka = kafka

    async def read(self, topic: Topic) -> list[ConsumerRecord[bytes, bytes]]:
        """Return every record of a topic, partition by partition."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            partitions = [TopicPartition(self.kafka.topic_prefix + topic, number) for number in range(PARTITIONS)]
            consumer.assign(partitions)
            found: list[ConsumerRecord[bytes, bytes]] = []
            quiet = 0
            while quiet < QUIET_POLLS:
                read = await consumer.getmany(timeout_ms=50)
                quiet = 0 if read else quiet + 1
                found += [record for records in read.values() for record in records]
        finally:
            await consumer.stop()
        return sorted(found, key=lambda record: (record.partition, record.offset))


@pytest_asyncio.fixture
async def installation(broker: TansuBroker | KafkaBroker, topic_prefix: str) -> AsyncIterator[Installation]:
    kafka = KafkaSettings(
        bootstrap=broker.endpoint, topic_prefix=topic_prefix, partitions=PARTITIONS, replication_factor=1
    )
    await create_topics(kafka)
    yield Installation(kafka)
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.endpoint)
    await admin.start()
    await admin.delete_topics([topic_prefix + plan.topic for plan in TOPIC_PLANS])
    await admin.close()
