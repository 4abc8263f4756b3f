"""What comes to the topics is read once and in order, from where they ended; what was aborted is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import OffsetOutOfRangeError

from metering.cli.benchmark.reading import TopicsReader, open_topics
from metering.contracts.topics import Topic
from metering.settings import KafkaSettings
from tests.stack.brokers import ON_APACHE
from tests.stack.servers import AnyBroker

TOPICS = [Topic.DECISIONS, Topic.LEDGER]
PARTITIONS = 2
WAIT_MS = 20


@pytest.fixture
async def settings(broker: AnyBroker, topic_prefix: str) -> KafkaSettings:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.endpoint)
    await admin.start()
    await admin.create_topics([NewTopic(f"{topic_prefix}{topic}", PARTITIONS, 1) for topic in TOPICS])
    await admin.close()
    return KafkaSettings(bootstrap=broker.endpoint, topic_prefix=topic_prefix, partitions=PARTITIONS)


@pytest.fixture
async def producer(broker: AnyBroker) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=broker.endpoint) as producer:
        yield producer


async def read_so_many(reader: TopicsReader, count: int) -> dict[str, list[bytes]]:
    """Return the values of each topic and key, in the order in which they came."""
    found: dict[str, list[bytes]] = {}
    async with asyncio.timeout(60):
        while sum(map(len, found.values())) < count:
            for topic, records in await reader.read():
                for record in records:
                    found.setdefault(f"{topic} {(record.key or b'').decode()}", []).append(record.value or b"")
    return found


async def write(producer: AIOKafkaProducer, topic: str, numbers: range) -> None:
    """Write numbers to the partitions by turns, each with its partition as key.

    Each in a batch of its own: the embedded broker tells of where the last batch of a topic begins, not of its end.
    """
    for number in numbers:
        partition = number % PARTITIONS
        await producer.send_and_wait(topic, b"%d" % number, b"%d" % partition, partition=partition)


async def test_what_comes_is_read_once_in_order_and_nothing_of_before(
    settings: KafkaSettings, producer: AIOKafkaProducer
) -> None:
    decisions, ledger = (f"{settings.topic_prefix}{topic}" for topic in TOPICS)
    await write(producer, decisions, range(10))
    async with open_topics(settings, TOPICS, WAIT_MS) as reader:
        await write(producer, decisions, range(10, 30))
        await write(producer, ledger, range(40))
        found = await read_so_many(reader, 60)
        await write(producer, ledger, range(40, 44))
        more = await read_so_many(reader, 4)
    wanted = {
        f"{topic} {partition}": [b"%d" % number for number in numbers if number % PARTITIONS == partition]
        for topic, numbers in ((decisions, range(10, 30)), (ledger, range(40)))
        for partition in range(PARTITIONS)
    }
    assert found == wanted
    assert more == {f"{ledger} 0": [b"40", b"42"], f"{ledger} 1": [b"41", b"43"]}


@ON_APACHE
async def test_what_was_aborted_is_not_read(broker: AnyBroker, settings: KafkaSettings) -> None:
    ledger = f"{settings.topic_prefix}{Topic.LEDGER}"
    async with open_topics(settings, TOPICS, WAIT_MS) as reader:
        async with AIOKafkaProducer(bootstrap_servers=broker.endpoint, transactional_id=ledger) as producer:
            for is_kept, numbers in ((True, range(4)), (False, range(4, 8)), (True, range(8, 12))):
                await producer.begin_transaction()
                await write(producer, ledger, numbers)
                await (producer.commit_transaction() if is_kept else producer.abort_transaction())
        found = await read_so_many(reader, 8)
    assert found == {f"{ledger} 0": [b"0", b"2", b"8", b"10"], f"{ledger} 1": [b"1", b"3", b"9", b"11"]}


@ON_APACHE
async def test_what_is_not_there_is_an_error(settings: KafkaSettings) -> None:
    async with open_topics(settings, TOPICS, WAIT_MS) as reader:
        beyond = TopicPartition(f"{settings.topic_prefix}{Topic.LEDGER}", 0)
        reader.positions[beyond] = 1_000
        with pytest.raises(OffsetOutOfRangeError):
            await reader.read()
