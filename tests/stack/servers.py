"""One server of each kind for the whole run, started when a test first asks; leaves clean data to `fresh`.

A server that cannot start fails the tests that need it. None is skipped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from metering.embedded.kafka import KafkaBroker
from metering.embedded.postgres import PostgresServer
from metering.embedded.tansu import TansuBroker
from metering.embedded.valkey import ValkeyServer

AnyBroker = TansuBroker | KafkaBroker


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def valkey() -> AsyncIterator[ValkeyServer]:
    """Valkey that keeps its data through `kill` and `restart` (append-only file)."""
    async with ValkeyServer(appendonly=True) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres() -> AsyncIterator[PostgresServer]:
    """Postgres 18."""
    async with PostgresServer() as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def tansu() -> AsyncIterator[TansuBroker]:
    """The broker without transactions; forgets everything at a restart."""
    async with TansuBroker() as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kafka() -> AsyncIterator[KafkaBroker]:
    """Apache Kafka. Only for tests marked `kafka`, or parametrised through `broker` and `stack`."""
    async with KafkaBroker(is_short_lived=True) as server:
        yield server


@pytest.fixture(scope="session", params=["tansu", pytest.param("apache", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> AnyBroker:
    """Each broker in turn: the test runs on Tansu under `make test`, on Apache Kafka under `make test-kafka`."""
    server: AnyBroker = request.getfixturevalue({"tansu": "tansu", "apache": "kafka"}[request.param])
    return server
