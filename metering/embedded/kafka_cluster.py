"""Apache Kafka 4 with several brokers on loopback, each of them a controller too; leaves one broker to `kafka`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Self

from metering.embedded.kafka import KafkaBroker
from metering.embedded.ports import LOOPBACK, find_free_port

NODES = 3
"""The least that keeps a majority, of controllers and of copies, when one is gone."""

CLUSTER_SETTINGS = {
    "inter.broker.listener.name": "REPLICATION",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,REPLICATION:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    # What a leader that is gone may hold up: an election among the others takes its session and little more.
    "replica.lag.time.max.ms": "5000",
    "controller.quorum.election.timeout.ms": "500",
    "controller.quorum.fetch.timeout.ms": "1500",
}


class KafkaNode(KafkaBroker):
    """One of several brokers, for a test's time. They talk to each other past whatever stands before them for clients.

    Killed in an hour's soak on two cores with 20 to 30 processes waiting for them, one was up again after 93 s. One
    that ends is told at once, so patience costs nothing.
    """

    start_seconds_max = 300.0

    def __init__(self, number: int, cluster_id: str | None, controllers: Sequence[int], advertised: str | None) -> None:
        """Describe node `number`, from 1. `controllers` are all nodes' controller ports."""
        super().__init__(advertised=advertised, log_append_time=True, is_short_lived=True)
        self._settings |= {**CLUSTER_SETTINGS, "node.id": str(number)}
        self._cluster_id = cluster_id or self._cluster_id
        self._voters = ",".join(f"{n}@{LOOPBACK}:{port}" for n, port in enumerate(controllers, 1))
        self._own_controller = controllers[number - 1]
        self._replication_port = find_free_port()

    @property
    def cluster_id(self) -> str:
        """What all nodes of a cluster are formatted with."""
        return self._cluster_id

    def _describe_listeners(self, controller_port: int) -> dict[str, str]:
        del controller_port  # the others must know it before this node is started
        replication = f"REPLICATION://{LOOPBACK}:{self._replication_port}"
        controller = f"CONTROLLER://{LOOPBACK}:{self._own_controller}"
        return {
            "listeners": f"PLAINTEXT://{self.endpoint},{replication},{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.advertised},{replication}",
            "controller.quorum.voters": self._voters,
        }


class KafkaCluster:
    """Three brokers, empty at first. Each is a server of its own that can be stopped, killed and started.

    Measured on two busy cores: first start 15 s, three copies of every record.
    """

    name = "kafka"
    has_transactions = True

    def __init__(self, advertised: Sequence[str] | None = None) -> None:
        """Describe the cluster. `advertised` is where clients are sent for each node, when not to the node itself."""
        controllers = [find_free_port() for _ in range(NODES)]
        self.nodes: list[KafkaNode] = []
        for number in range(1, NODES + 1):
            cluster_id = self.nodes[0].cluster_id if self.nodes else None
            address = advertised[number - 1] if advertised else None
            self.nodes.append(KafkaNode(number, cluster_id, controllers, address))

    @property
    def endpoint(self) -> str:
        """Where clients find it: every node's `host:port`, separated by commas."""
        return ",".join(node.advertised for node in self.nodes)

    async def start(self) -> None:
        """Start all nodes that do not run. Raises `ServerFailed` of the first that cannot; none is left then."""
        try:
            async with asyncio.TaskGroup() as group:
                for node in self.nodes:
                    if not node.is_running:
                        group.create_task(node.start())
        except BaseExceptionGroup as failures:
            await self.kill()
            raise failures.exceptions[0] from None

    async def stop(self) -> None:
        """Stop all nodes in their orderly way; data and ports stay."""
        await asyncio.gather(*(node.stop() for node in self.nodes))

    async def kill(self) -> None:
        """End all nodes as a loss of power would."""
        await asyncio.gather(*(node.kill() for node in self.nodes))

    async def discard(self) -> None:
        """Stop what runs and delete all data. Does nothing the second time."""
        await asyncio.gather(*(node.discard() for node in self.nodes))

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.discard()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.discard()
