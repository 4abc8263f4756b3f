"""A worker is cut off from one of three brokers: that of a bucket's commands. Leaves cuts of all to `test_networks`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from metering.contracts.partitioning import partition_of
from metering.contracts.topics import TOPIC_PLANS, Topic
from metering.embedded.kafka_cluster import NODES, KafkaCluster
from metering.embedded.postgres import PostgresServer
from metering.embedded.stack import Endpoints
from metering.embedded.valkey import ValkeyServer
from metering.settings import KafkaSettings
from tests.end_to_end.messages import AMERICA, command, opening, text
from tests.end_to_end.metrics import count_logged, metrics_of, sum_of
from tests.end_to_end.proof import prove
from tests.end_to_end.system import PARTITIONS, System, make_settings
from tests.end_to_end.traffic import Totals
from tests.faults.proxy import Proxy
from tests.stack.fresh import FreshStack, empty_valkey

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

LEADERS = {Topic.USAGE: 1, Topic.COMMANDS: 2}
"""The node that leads all partitions of a topic."""
OVERTAKING_SECONDS = 2.0
"""A text that waits for nothing is metered within a tenth of this."""


async def place_topics(settings: KafkaSettings) -> None:
    """Make the two input topics, each led by a node of its own and held by all."""
    admin = AIOKafkaAdminClient(**settings.client_options())
    await admin.start()
    for plan in TOPIC_PLANS:
        if plan.topic in LEADERS:
            first = LEADERS[plan.topic]
            nodes = [first, *(node for node in range(1, NODES + 1) if node != first)]
            name, held_by = settings.topic_prefix + plan.topic, dict.fromkeys(range(PARTITIONS), nodes)
            await admin.create_topics([NewTopic(name, -1, -1, replica_assignments=held_by, topic_configs=plan.config)])
    await admin.close()


@pytest_asyncio.fixture
async def system(
    valkey: ValkeyServer, postgres: PostgresServer, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> AsyncIterator[System]:
    """A system on three brokers."""
    await empty_valkey(valkey)
    async with KafkaCluster() as cluster:
        endpoints = Endpoints(valkey.url, fresh_database, cluster.endpoint)
        stack = FreshStack(valkey, postgres, cluster, endpoints, topic_prefix)
        # The broker that is cut off may be the group's: the worker stays in it.
        kafka = make_settings(stack).kafka.model_copy(update={"session_timeout_ms": 60_000})
        await place_topics(kafka)
        async with System.on(stack, tmp_path, kafka=kafka) as one:
            yield one


async def test_text_waits_for_a_top_up_that_was_acknowledged_by_a_broker_the_worker_is_cut_off_from(
    system: System,
) -> None:
    cluster, bucket = system.stack.broker, partition_of("acme", PARTITIONS)
    assert isinstance(cluster, KafkaCluster)
    node = cluster.nodes[LEADERS[Topic.COMMANDS] - 1]
    system.program = "tests.faults.program"
    async with Proxy(node.port) as road:
        system.start_checkpointer()
        worker = system.start_worker(BROKER_VIA=f"{node.port}:{road.port}")
        await system.send_commands(opening("acme", 10_000))
        await system.settled()
        await system.send([text("acme", "covered", AMERICA)])
        await system.settled()
        assert road.joined > 0

        road.cut()
        await system.send_commands([command("acme", "more", "top_up", amount_micros=10_000, unit="USD")])
        await system.reached(lambda: count_logged(worker, "input_topic_silent"), "the worker hears nothing of it")
        await system.send([text("acme", "after", AMERICA)])
        lag = f'metering_lag_records{{bucket="{bucket}",topic="usage"}}'
        await system.reached(lambda: f"{lag} 1.0" in metrics_of(worker), "the text is read, and waits")
        await asyncio.sleep(OVERTAKING_SECONDS)
        assert (await system.status(bucket)).position.usage == 1
        assert sum_of(metrics_of(worker), "metering_lag_records") == 1
        road.mend()

        await system.settled(90.0)
    evidence = await prove(system, {"acme": Totals(0)})
    assert [decision["outcome"] for decision in evidence.values("decisions")] == ["allowed", "allowed"]
    assert [entry["kind"] for entry in evidence.all_entries if "event" in entry or "command" in entry][-2:] == [
        "topped_up",
        "debited",
    ]
