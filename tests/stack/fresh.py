"""Clean data for one test on the servers of the whole run; leaves starting them to `servers`."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient
from redis.asyncio import Redis

from metering.embedded.kafka import KafkaBroker
from metering.embedded.kafka_cluster import KafkaCluster
from metering.embedded.postgres import PostgresServer
from metering.embedded.stack import Endpoints
from metering.embedded.tansu import TansuBroker
from metering.embedded.valkey import ValkeyServer

INTERNAL_TOPICS = "__"  # what the broker keeps for itself starts so
TOPICS_GONE_SECONDS_MAX = 20.0


@dataclass(frozen=True, slots=True)
class FreshStack:
    """The three servers with nothing in them, for a test that runs the whole system and may kill any of them."""

    valkey: ValkeyServer
    postgres: PostgresServer
    broker: TansuBroker | KafkaBroker | KafkaCluster
    endpoints: Endpoints
    topic_prefix: str

    @property
    def has_transactions(self) -> bool:
        """Whether the broker can commit entries and offsets together."""
        return self.broker.has_transactions

    def settings(self) -> dict[str, str]:
        """Return the METERING_… variables for this stack.

        Topics and group have names of their own: what a killed process left open on the broker (a transaction, a member
        of the group) is closed by time-outs only, and must not hold up the next test.
        """
        return {
            **self.endpoints.settings(),
            "METERING_KAFKA__TOPIC_PREFIX": self.topic_prefix,
            "METERING_KAFKA__GROUP": f"{self.topic_prefix}worker",
        }


@pytest_asyncio.fixture
async def fresh_redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    """A client of an empty Valkey; answers are bytes."""
    await empty_valkey(valkey)
    async with Redis.from_url(valkey.url) as client:
        yield client


@pytest_asyncio.fixture
async def fresh_database(postgres: PostgresServer) -> AsyncIterator[str]:
    """The address (dsn) of an empty database that goes after the test."""
    if not postgres.is_running:
        await postgres.start()
    name = f"test_{secrets.token_hex(6)}"
    yield await postgres.create_database(name)
    if not postgres.is_running:  # the test was about that
        await postgres.start()
    await postgres.drop_database(name)


@pytest.fixture
def topic_prefix() -> str:
    """A prefix that no other test's topics, groups and transactional ids have."""
    return f"t{secrets.token_hex(4)}-"


@pytest_asyncio.fixture
async def stack(
    valkey: ValkeyServer,
    postgres: PostgresServer,
    broker: TansuBroker | KafkaBroker,
    fresh_database: str,
    topic_prefix: str,
) -> AsyncIterator[FreshStack]:
    """All three servers, empty, on each broker in turn (see `broker`). They run again after the test."""
    await empty_valkey(valkey)
    await _empty_broker(broker)
    endpoints = Endpoints(valkey.url, fresh_database, broker.endpoint)
    yield FreshStack(valkey, postgres, broker, endpoints, topic_prefix)
    for server in (valkey, broker):
        if not server.is_running:
            await server.start()


async def empty_valkey(server: ValkeyServer) -> None:
    if not server.is_running:
        await server.start()
    async with Redis.from_url(server.url) as client:
        await client.flushall()
        await client.function_flush()
        await client.script_flush()


async def _empty_broker(server: TansuBroker | KafkaBroker) -> None:
    if isinstance(server, TansuBroker):
        await server.restart()  # all it knows is in memory, and this takes 50 ms
        return
    if not server.is_running:
        await server.start()
    await _delete_all_topics(server.endpoint)


async def _delete_all_topics(bootstrap: str) -> None:
    """Delete the topics that tests made; with them go the offsets that groups had in them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        async with asyncio.timeout(TOPICS_GONE_SECONDS_MAX):
            while topics := [name for name in await admin.list_topics() if not name.startswith(INTERNAL_TOPICS)]:
                await admin.delete_topics(topics)
                await asyncio.sleep(0.05)
    finally:
        await admin.close()
