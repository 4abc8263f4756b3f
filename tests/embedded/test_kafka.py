"""Apache Kafka from Maven's jars does what the exactly-once suites ask of it."""

from __future__ import annotations

import time

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced

from metering.embedded.kafka import KafkaBroker
from tests.embedded.topics import create_topic, read, send

pytestmark = pytest.mark.kafka


def make_producer(kafka: KafkaBroker, transactional_id: str) -> AIOKafkaProducer:
    return AIOKafkaProducer(bootstrap_servers=kafka.endpoint, transactional_id=transactional_id)


async def test_aborted_transaction_is_not_read_and_a_committed_one_is(kafka: KafkaBroker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}numbers"
    await create_topic(kafka.endpoint, topic)
    async with make_producer(kafka, f"{topic_prefix}owner") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"aborted")
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait(topic, b"committed")
    assert [record.value for record in await read(kafka.endpoint, topic, 1)] == [b"committed"]


async def test_second_producer_of_one_transactional_id_fences_the_first(kafka: KafkaBroker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}fenced"
    await create_topic(kafka.endpoint, topic)
    first, second = (make_producer(kafka, f"{topic_prefix}owner") for _ in range(2))
    await first.start()
    await first.begin_transaction()
    await first.send_and_wait(topic, b"of the zombie")
    await second.start()
    with pytest.raises(ProducerFenced):
        await first.commit_transaction()
    async with second.transaction():
        await second.send_and_wait(topic, b"of the owner")
    assert [record.value for record in await read(kafka.endpoint, topic, 1)] == [b"of the owner"]
    await second.stop()
    await first.stop()


async def test_kafka_stopped_or_killed_keeps_what_was_committed(kafka: KafkaBroker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}kept"
    await create_topic(kafka.endpoint, topic)
    await send(kafka.endpoint, topic, [b"1", b"2"])
    await kafka.restart()
    await send(kafka.endpoint, topic, [b"3"])
    await kafka.kill()
    await kafka.start()
    assert [record.value for record in await read(kafka.endpoint, topic, 3)] == [b"1", b"2", b"3"]


async def test_kafka_topic_with_log_append_time_has_the_broker_stamp(kafka: KafkaBroker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}stamped"
    await create_topic(kafka.endpoint, topic, message_timestamp_type="LogAppendTime")
    assert await is_stamped_by_broker(kafka.endpoint, topic)


async def test_second_broker_beside_the_first_stamps_every_topic_when_told_to(kafka: KafkaBroker) -> None:
    async with KafkaBroker(log_append_time=True, is_short_lived=True) as second:
        assert second.endpoint != kafka.endpoint
        for broker in (kafka, second):
            await create_topic(broker.endpoint, "plain")
        assert await is_stamped_by_broker(second.endpoint, "plain")
        assert not await is_stamped_by_broker(kafka.endpoint, "plain")


async def is_stamped_by_broker(bootstrap: str, topic: str) -> bool:
    before_ms = time.time() * 1000 - 1
    await send(bootstrap, topic, [b"old"], timestamp_ms=1_000)
    (record,) = await read(bootstrap, topic, 1)
    stamped: bool = record.timestamp >= before_ms
    assert stamped == (record.timestamp_type == 1)
    return stamped
