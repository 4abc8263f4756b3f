"""The ways of one process to its servers, each through a proxy of its own. Leaves what happens on them to the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Self

from metering.embedded.kafka_cluster import KafkaCluster
from tests.faults.proxy import Proxy
from tests.stack.fresh import FreshStack


@dataclass(frozen=True)
class Roads:
    """Nobody else goes there: what is cut is cut for this process alone."""

    kafka: Proxy
    redis: Proxy
    postgres: Proxy
    _stack: FreshStack

    @classmethod
    @asynccontextmanager
    async def built(cls, stack: FreshStack) -> AsyncIterator[Self]:
        """Build them to the servers of `stack`, which has one broker."""
        assert not isinstance(stack.broker, KafkaCluster)
        ports = (stack.broker.port, stack.valkey.port, stack.postgres.port)
        async with AsyncExitStack() as exits:
            kafka, redis, postgres = [await exits.enter_async_context(Proxy(port)) for port in ports]
            yield cls(kafka, redis, postgres, stack)

    @property
    def variables(self) -> dict[str, str]:
        """What sends a process there."""
        endpoints = self._stack.endpoints
        return {
            "METERING_REDIS__URL": endpoints.redis_url.replace(self._stack.valkey.endpoint, self.redis.endpoint),
            "METERING_POSTGRES__DSN": endpoints.postgres_dsn.replace(
                self._stack.postgres.endpoint, self.postgres.endpoint
            ),
            "BROKER_VIA": str(self.kafka.port),
        }

    def to(self, server: str) -> Proxy:
        """The way to `kafka`, `redis` or `postgres`."""
        return {"kafka": self.kafka, "redis": self.redis, "postgres": self.postgres}[server]
