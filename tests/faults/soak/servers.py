"""The servers of a soak, each behind a proxy: three brokers, Valkey with a replica, Postgres on a small disk.

Leaves what goes wrong with them to the faults.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Self

from redis.asyncio import Redis

from metering.embedded.kafka_cluster import NODES, KafkaCluster
from metering.embedded.ports import LOOPBACK
from metering.embedded.stack import Endpoints
from metering.embedded.valkey import ValkeyServer
from tests.faults.proxy import Proxy
from tests.faults.soak.small_disk import SmallDiskPostgres
from tests.stack.fresh import FreshStack


@dataclass
class SoakServers:
    """All servers and what stands before them. Programs under test know the proxies only."""

    cluster: KafkaCluster
    broker_proxies: list[Proxy]
    primary: ValkeyServer
    replica: ValkeyServer
    redis_proxy: Proxy
    replication_proxy: Proxy
    postgres: SmallDiskPostgres
    postgres_proxy: Proxy

    @classmethod
    @asynccontextmanager
    async def started(cls) -> AsyncIterator[Self]:
        """All of them, empty, together."""
        async with AsyncExitStack() as stack:
            proxies = [await stack.enter_async_context(Proxy()) for _ in range(NODES + 3)]
            *brokers, redis, replication, postgres = proxies
            cluster = KafkaCluster([proxy.endpoint for proxy in brokers])
            servers = cls(
                cluster,
                brokers,
                ValkeyServer(appendonly=True),
                ValkeyServer(appendonly=True),
                redis,
                replication,
                SmallDiskPostgres(),
                postgres,
            )
            for one in (cluster, servers.primary, servers.replica, servers.postgres):
                stack.push_async_callback(one.discard)
            await asyncio.gather(
                servers.primary.start(), servers.replica.start(), servers.postgres.start(), cluster.start()
            )
            for proxy, node in zip(brokers, cluster.nodes, strict=True):
                proxy.target_port = node.port
            redis.target_port = replication.target_port = servers.primary.port
            postgres.target_port = servers.postgres.port
            await servers.replicate()
            yield servers

    async def fresh_stack(self) -> FreshStack:
        """The stack of a `System`, with the proxies' addresses and a database of its own."""
        name = f"soak_{secrets.token_hex(4)}"
        dsn = await self.postgres.create_database(name)
        proxied = dsn.replace(self.postgres.endpoint, self.postgres_proxy.endpoint)
        endpoints = Endpoints(f"redis://{self.redis_proxy.endpoint}/0", proxied, self.cluster.endpoint)
        return FreshStack(self.primary, self.postgres, self.cluster, endpoints, f"s{secrets.token_hex(4)}-")

    async def replicate(self) -> None:
        """Make the replica follow the primary, through the proxy that can make it lag."""
        self.replication_proxy.target_port = self.primary.port
        async with Redis.from_url(self.replica.url) as client:
            await client.replicaof(LOOPBACK, self.replication_proxy.port)

    async def promote(self) -> None:
        """Make the replica, as far as it has come, the primary; the primary becomes its replica."""
        self.redis_proxy.cut()
        async with Redis.from_url(self.replica.url) as client:
            await client.replicaof("NO", "ONE")
        self.primary, self.replica = self.replica, self.primary
        self.redis_proxy.target_port = self.primary.port
        self.redis_proxy.mend()
        self.replication_proxy.mend()
        await self.replicate()

    def mend_all(self) -> None:
        """Let everything through again."""
        for proxy in (*self.broker_proxies, self.redis_proxy, self.replication_proxy, self.postgres_proxy):
            proxy.mend()
