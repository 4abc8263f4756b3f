"""What is handed to the gateway is in the topic, each event once and in order; what the broker refuses is an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import MessageSizeTooLargeError

from metering.cli.benchmark import gateway as gateways
from metering.cli.benchmark.gateway import Gateway, publish_at_pace
from metering.cli.benchmark.mixes import Mix
from metering.cli.benchmark.scenario import Scenario
from metering.cli.kafka import BATCH_BYTES_MAX
from metering.record_batches import BatchConsumer
from tests.stack.brokers import ON_APACHE
from tests.stack.servers import AnyBroker

EVENTS = 400
BUCKETS = [number % 2 for number in range(10)]
"""Of ten customers."""


@pytest.fixture
async def topic(broker: AnyBroker, topic_prefix: str) -> str:
    name = f"{topic_prefix}usage"
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.endpoint)
    await admin.start()
    await admin.create_topics([NewTopic(name, 2, 1, topic_configs={"max.message.bytes": "60000"})])
    await admin.close()
    return name


@pytest.fixture
async def gateway(broker: AnyBroker, topic: str) -> AsyncIterator[Gateway]:
    async with AIOKafkaProducer(bootstrap_servers=broker.endpoint) as producer:
        await producer.partitions_for(topic)
        yield Gateway(producer.client, topic, BUCKETS)


@pytest.mark.parametrize("batch_bytes_max", [BATCH_BYTES_MAX, 2_000], ids=["broker keeps up", "broker is behind"])
async def test_events_at_a_pace_are_in_their_partitions_once_and_in_order(
    broker: AnyBroker, topic: str, gateway: Gateway, batch_bytes_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateways, "BATCH_BYTES_MAX", batch_bytes_max)
    mix, same = Mix(Scenario(customers=10), "run"), Mix(Scenario(customers=10), "run")
    handed = await publish_at_pace(gateway, mix, 0, EVENTS, per_second=4_000)

    assert handed == sorted(handed)
    assert len(handed) == gateway.events == gateway.asking == EVENTS
    wanted: dict[TopicPartition, list[bytes]] = {TopicPartition(topic, bucket): [] for bucket in (0, 1)}
    for event in same.events(0, EVENTS):
        wanted[TopicPartition(topic, BUCKETS[event.customer])].append(event.value)
    consumer = BatchConsumer(bootstrap_servers=broker.endpoint, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign(list(wanted))
    found: dict[TopicPartition, list[bytes]] = {partition: [] for partition in wanted}
    async with asyncio.timeout(60):
        while sum(map(len, found.values())) < EVENTS:
            for partition, records in (await consumer.getmany(timeout_ms=100)).items():
                found[partition] += [record.value or b"" for record in records]
    await consumer.stop()
    # The moment in an event is that of its making.
    assert {partition: [_without_time(value) for value in values] for partition, values in found.items()} == {
        partition: [_without_time(value) for value in values] for partition, values in wanted.items()
    }


@ON_APACHE
async def test_what_the_broker_does_not_take_is_an_error(gateway: Gateway) -> None:
    await gateway.hand(Mix(Scenario(customers=10), "run").events(0, 1_000))
    with pytest.raises(MessageSizeTooLargeError):
        await gateway.finish()
    with pytest.raises(MessageSizeTooLargeError):
        await gateway.hand([])


def _without_time(value: bytes) -> bytes:
    before, _, after = value.partition(b'"time":"')
    return before + after.partition(b'"')[2]
