"""Sentinel and Cluster under load: a primary that dies, a replica that lags, slots that move, a node that is lost.

Leaves single servers to `tests/faults`.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Connection, Redis
from redis.crc import key_slot

from metering.embedded.valkey import ValkeyServer
from metering.embedded.valkey_groups import SentinelGroup, ValkeyCluster
from metering.errors import Retryable
from metering.ledger.connection import connect_redis
from metering.ledger.till import Till
from metering.settings import RedisSettings
from tests.end_to_end.command_line import run
from tests.end_to_end.proof import prove
from tests.end_to_end.system import PARTITIONS, System
from tests.end_to_end.traffic import make_traffic
from tests.stack.brokers import ON_TANSU
from tests.stack.fresh import FreshStack
from tests.waiting import wait_until

LOAD_SECONDS = 4.0
MESSAGES = 300


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sentinels() -> AsyncIterator[SentinelGroup]:
    async with SentinelGroup() as group:
        yield group


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cluster() -> AsyncIterator[ValkeyCluster]:
    async with ValkeyCluster() as nodes:
        yield nodes


@pytest_asyncio.fixture
async def guarded(stack: FreshStack, tmp_path: Path, sentinels: SentinelGroup) -> AsyncIterator[System]:
    """The system on a primary behind sentinels, with nothing in it."""
    primary = await sentinels.primary()
    async with Redis.from_url(primary.url) as client:
        await client.flushall()
    async with System.on(stack, tmp_path, redis=RedisSettings(url=sentinels.url)) as system:
        yield system


@pytest_asyncio.fixture
async def clustered(stack: FreshStack, tmp_path: Path, cluster: ValkeyCluster) -> AsyncIterator[System]:
    """The system on a cluster with nothing in it."""
    for slot in {slot_of(bucket) for bucket in range(PARTITIONS)}:
        async with Redis.from_url((await cluster.owner_of(slot)).url) as client:
            await client.flushall()
    async with System.on(stack, tmp_path, redis=RedisSettings(url=cluster.url)) as system:
        yield system


def slot_of(bucket: int) -> int:
    return key_slot(b"b%d" % bucket)


class Load:
    """Mixed traffic, half of it on its way when something happens."""

    def __init__(self, system: System, seed: int) -> None:
        self.system = system
        self.traffic = make_traffic(seed=seed, messages=MESSAGES)

    async def begin(self) -> None:
        self.system.start_checkpointer()
        self.system.start_worker()
        await self.system.send_commands(self.traffic.commands)
        await self.system.applied()
        self._sending = asyncio.create_task(self.system.send_over(LOAD_SECONDS, self.traffic.events))
        await asyncio.sleep(LOAD_SECONDS / 3)

    async def check(self) -> None:
        """All was sent, and all of it took effect once; Redis, books and ledger agree."""
        await self._sending
        await self.system.settled()
        await prove(self.system, self.traffic.totals)
        assert run(self.system, "reconcile")["drift"] == 0


async def restore_group(group: SentinelGroup, down: ValkeyServer) -> None:
    """Bring a server back and wait until it follows the primary again, for whoever comes next."""
    if not down.is_running:
        await down.start()

    async def follows() -> bool:
        async with Redis.from_url(down.url) as client:
            state = await client.info("replication")
        return bool(state["role"] == "slave" and state["master_link_status"] == "up")

    await wait_until(follows, "the server that was down follows the new primary")


async def test_primary_killed_under_load_is_replaced_and_every_total_is_exact(
    guarded: System, sentinels: SentinelGroup
) -> None:
    load, primary = Load(guarded, seed=11), await sentinels.primary()
    await load.begin()

    await primary.kill()

    await load.check()
    assert (await sentinels.primary()) is not primary
    await restore_group(sentinels, primary)


@ON_TANSU
async def test_replica_that_lagged_is_promoted_and_its_buckets_are_restored_from_the_books(
    guarded: System, sentinels: SentinelGroup
) -> None:
    load, primary = Load(guarded, seed=12), await sentinels.primary()
    (replica,) = (server for server in sentinels.servers if server is not primary)
    os.kill(replica.pid, signal.SIGSTOP)
    async with Redis.from_url(primary.url) as client:  # else what is written next waits for it in the kernel
        await ask(client, "CLIENT KILL", "TYPE", "replica")
    await load.begin()

    await primary.kill()
    os.kill(replica.pid, signal.SIGCONT)

    await load.check()
    log = "".join(path.read_text() for path in guarded.directory.glob("worker-*.log"))
    assert '"how": "restored"' in log
    await restore_group(sentinels, primary)


async def test_client_that_closes_itself_under_another_call_is_redis_that_does_not_answer(
    cluster: ValkeyCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    client: Any = connect_redis(cluster.url)
    write, closed = Connection._send_packed_command, 0
    raised: list[str] = []

    async def close_first(connection: Connection, command: list[bytes]) -> None:
        # As any other call has it do that finds the cluster down or the fifth slot moved: here always, and just then.
        nonlocal closed
        if not client._initialize:
            closed += 1
            await client.aclose()
        await write(connection, command)

    monkeypatch.setattr(Connection, "_send_packed_command", close_first)
    for bucket in range(PARTITIONS):
        try:
            await Till(client, bucket).claim("token")
        except Retryable as error:
            raised.append(str(error))

    assert closed == PARTITIONS
    assert [True] * PARTITIONS == ["closed meanwhile" in why for why in raised], raised


@ON_TANSU
async def test_slots_that_move_under_load_lose_and_double_nothing(clustered: System, cluster: ValkeyCluster) -> None:
    load = Load(clustered, seed=13)
    await load.begin()

    for bucket in range(PARTITIONS):
        slot = slot_of(bucket)
        source = await cluster.owner_of(slot)
        target = next(node for node in cluster.nodes[:3] if node is not source)
        await move_slot(cluster, slot, source, target)

    await load.check()


@ON_TANSU
async def test_node_that_is_lost_under_load_is_replaced_and_every_total_is_exact(
    clustered: System, cluster: ValkeyCluster
) -> None:
    load, lost = Load(clustered, seed=14), await cluster.owner_of(slot_of(0))
    await load.begin()

    await lost.kill()

    await load.check()
    assert (await cluster.owner_of(slot_of(0))) is not lost
    assert run(clustered, "bucket", "status")["buckets"][0]["loaded"]


async def move_slot(cluster: ValkeyCluster, slot: int, source: ValkeyServer, target: ValkeyServer) -> None:
    """Move a slot key by key, slowly, so that calls meet it half moved."""
    names = {node: await cluster.id_of(node) for node in (source, target)}
    async with Redis.from_url(source.url) as old, Redis.from_url(target.url) as new:
        await ask(new, "CLUSTER SETSLOT", slot, "IMPORTING", names[source])
        await ask(old, "CLUSTER SETSLOT", slot, "MIGRATING", names[target])
        while keys := await ask(old, "CLUSTER GETKEYSINSLOT", slot, 1):
            await ask(old, "MIGRATE", "127.0.0.1", target.port, keys[0], 0, 5_000)
            await asyncio.sleep(0.05)
        for client in (new, old):
            await ask(client, "CLUSTER SETSLOT", slot, "NODE", names[target])


async def ask(client: Redis, *command: Any) -> Any:
    plain: Any = client
    return await plain.execute_command(*command)
