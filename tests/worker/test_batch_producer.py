"""A producer of whole batches sends all of them, each partition's in their order, and says what it does not take."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalOperation, ProducerClosed, ProducerFenced

from metering.contracts.topics import Topic
from metering.record_batches import fill_batch
from metering.settings import KafkaSettings
from metering.worker.batch_producer import BatchProducer
from metering.worker.kafka import Kafka
from metering.worker.topics import create_topics
from tests.stack.brokers import ON_APACHE
from tests.stack.servers import AnyBroker

PARTITIONS = 3


async def prepared(broker: AnyBroker, topic_prefix: str) -> Kafka:
    settings = KafkaSettings(bootstrap=broker.endpoint, topic_prefix=topic_prefix, partitions=PARTITIONS)
    await create_topics(settings)
    kafka = Kafka(settings)
    await kafka.detect_transactions()
    return kafka


async def hand(producer: BatchProducer, topic: str, partition: int, *values: bytes) -> Any:
    batch = producer.create_batch()
    fill_batch(batch, [b"acme"] * len(values), values)
    return await producer.send_batch(batch, topic, partition=partition)


async def read(kafka: Kafka, topic: str, partition: int, count: int) -> list[bytes | None]:
    reader = kafka.reader()
    await reader.start()
    reader.assign([TopicPartition(topic, partition)])
    reader.seek(TopicPartition(topic, partition), 0)
    values = [(await reader.getone()).value for _ in range(count)]
    await reader.stop()
    return values


async def test_batches_that_are_handed_over_together_come_in_their_order(broker: AnyBroker, topic_prefix: str) -> None:
    kafka = await prepared(broker, topic_prefix)
    topic, producer = kafka.topic(Topic.DECISIONS), kafka.producer()
    await producer.start()

    sent = [await hand(producer, topic, place % PARTITIONS, b"%d" % place, b"and") for place in range(12)]
    offsets = [(await each).offset for each in sent]
    await producer.stop()

    assert offsets == [place // PARTITIONS * 2 for place in range(12)]
    assert await read(kafka, topic, 1, 8) == [b"1", b"and", b"4", b"and", b"7", b"and", b"10", b"and"]


async def test_batches_that_come_while_others_are_on_their_way_are_sent_after_them(
    broker: AnyBroker, topic_prefix: str
) -> None:
    kafka = await prepared(broker, topic_prefix)
    topic, producer = kafka.topic(Topic.DECISIONS), kafka.producer()
    await producer.start()
    await (await hand(producer, topic, 0, b"first"))

    under_way = await hand(producer, topic, 0, b"under way")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    later = [await hand(producer, topic, partition, b"later") for partition in range(PARTITIONS)]
    await producer.stop()  # sends what it has

    assert [under_way.result().offset, *(each.result().offset for each in later)] == [1, 2, 0, 0]


async def test_batch_for_a_topic_that_is_not_known_yet_waits_for_it(broker: AnyBroker, topic_prefix: str) -> None:
    kafka = Kafka(KafkaSettings(bootstrap=broker.endpoint, topic_prefix=topic_prefix, partitions=PARTITIONS))
    producer = kafka.producer()
    await producer.start()

    handing = asyncio.create_task(hand(producer, kafka.topic(Topic.DECISIONS), 2, b"early"))
    await prepared(broker, topic_prefix)

    assert (await (await handing)).offset == 0
    await producer.stop()


async def test_batch_for_a_producer_that_is_stopped_is_refused(broker: AnyBroker, topic_prefix: str) -> None:
    kafka = await prepared(broker, topic_prefix)
    topic, producer = kafka.topic(Topic.DECISIONS), kafka.producer()
    await producer.start()
    await (await hand(producer, topic, 0, b"first"))
    batch = producer.create_batch()
    fill_batch(batch, [b"acme"], [b"late"])
    await producer.stop()

    with pytest.raises(ProducerClosed):
        await producer.send_batch(batch, topic, partition=0)


@ON_APACHE
async def test_batch_outside_a_transaction_is_refused(broker: AnyBroker, topic_prefix: str) -> None:
    kafka = await prepared(broker, topic_prefix)
    producer = kafka.transactional_producer(0)
    await producer.start()

    with pytest.raises(IllegalOperation, match="not in transaction"):
        await hand(producer, kafka.topic(Topic.LEDGER), 0, b"entry")
    await producer.stop()


@ON_APACHE
async def test_transactions_follow_each_other_and_end_with_the_producer_that_takes_over(
    broker: AnyBroker, topic_prefix: str
) -> None:
    kafka = await prepared(broker, topic_prefix)
    topic, first, second = kafka.topic(Topic.LEDGER), kafka.transactional_producer(0), kafka.transactional_producer(0)
    await first.start()
    for turn in range(3):
        await first.begin_transaction()
        sent = [await hand(first, topic, 0, b"%d.%d" % (turn, place)) for place in range(2)]
        usage = {TopicPartition(kafka.topic(Topic.USAGE), 0): turn}
        await first.send_offsets_to_transaction(usage, kafka.settings.group)
        await first.commit_transaction()
        assert all(each.done() for each in sent)
    await first.begin_transaction()
    await (await hand(first, topic, 0, b"never committed"))

    await second.start()
    await second.begin_transaction()
    await hand(second, topic, 0, b"3.0")
    await second.commit_transaction()
    with pytest.raises(ProducerFenced):
        await first.commit_transaction()

    assert await read(kafka, topic, 0, 7) == [b"0.0", b"0.1", b"1.0", b"1.1", b"2.0", b"2.1", b"3.0"]
    await second.stop()
    await first.stop()
