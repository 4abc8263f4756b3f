"""A connection to a broker that the client lets go of is closed, at once and without a warning."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.metadata import MetadataRequest

from metering.broker_connection import BrokerConnection
from metering.embedded.tansu import TansuBroker
from tests.waiting import wait_until

BOOTSTRAP = ("bootstrap", ConnectionGroup.DEFAULT)


async def is_closed(socket: Any) -> None:
    """Wait for the socket's end; look through the garbage, where a socket would tell of itself."""
    await wait_until(lambda: socket.fileno() == -1, "the socket is closed")
    gc.collect()


async def test_connection_of_a_client_that_is_cancelled_while_it_asks_for_the_brokers_is_closed(
    tansu: TansuBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = AIOKafkaClient(bootstrap_servers=tansu.endpoint)
    sockets: list[Any] = []
    send = BrokerConnection.send

    def send_and_cancel(self: Any, request: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(request, MetadataRequest):
            sockets.append(self._writer.get_extra_info("socket"))
            starting.cancel()
        return send(self, request, *arguments, **options)

    monkeypatch.setattr(BrokerConnection, "send", send_and_cancel)
    starting = asyncio.create_task(client.bootstrap())
    with pytest.raises(asyncio.CancelledError):
        await starting
    await client.close()
    await is_closed(sockets[0])


async def test_connection_that_is_forgotten_before_its_end_was_noticed_is_closed(
    tansu: TansuBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "aiokafka")  # a captured record would hold the connection
    client = AIOKafkaClient(bootstrap_servers=tansu.endpoint)
    await client.bootstrap()
    node = client.get_random_node()
    assert await client.ready(node)
    # As a broker that the metadata do not have any more: asked for, it is looked up without a pause, and not found.
    (connection,) = client._conns.values()
    client._conns.clear()
    client._conns[BOOTSTRAP] = connection
    socket, known = connection._writer.get_extra_info("socket"), weakref.ref(connection)
    connection._writer.transport._read_ready__on_eof()
    del connection
    assert not await client.ready("bootstrap")
    assert known() is None
    await is_closed(socket)
    await client.close()


async def test_consumer_that_is_stopped_while_it_pauses_after_a_failed_fetch_is_closed_without_an_error(
    tansu: TansuBroker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = asyncio.Event()
    send = AIOKafkaClient.send

    async def fail_fetches(client: AIOKafkaClient, node: Any, request: Any, **options: Any) -> Any:
        if isinstance(request, FetchRequest):
            paused.set()
            raise KafkaConnectionError("cut off")
        return await send(client, node, request, **options)

    monkeypatch.setattr(AIOKafkaClient, "send", fail_fetches)
    partition = TopicPartition(f"{topic_prefix}some", 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=tansu.endpoint, group_id=None, retry_backoff_ms=60_000)
    await create_topic(tansu, partition.topic)
    await consumer.start()
    consumer.assign([partition])
    consumer.seek(partition, 0)
    await paused.wait()
    sockets = [connection._writer.get_extra_info("socket") for connection in consumer._client._conns.values()]
    await consumer.stop()
    for socket in sockets:
        await is_closed(socket)


async def create_topic(tansu: TansuBroker, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=tansu.endpoint)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1)])
    await admin.close()
