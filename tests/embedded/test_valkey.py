"""What Valkey keeps and what it loses, by the way in which it ends."""

from __future__ import annotations

import socket

import pytest
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from metering.embedded.ports import LOOPBACK
from metering.embedded.valkey import ValkeyServer
from metering.embedded.valkey_groups import ValkeyCluster


async def write(server: ValkeyServer, value: str) -> None:
    async with Redis.from_url(server.url) as client:
        await client.set("key", value)


async def read(server: ValkeyServer) -> bytes | None:
    async with Redis.from_url(server.url) as client:
        return bytes(value) if isinstance(value := await client.get("key"), bytes) else None


async def test_valkey_killed_with_appendonly_keeps_every_answered_write() -> None:
    async with ValkeyServer(appendonly=True) as server:
        pid, port = server.pid, server.port
        await write(server, "kept")
        await server.kill()
        assert not server.is_running
        await server.start()
        assert await read(server) == b"kept"
        assert server.port == port
        assert server.pid != pid


@pytest.mark.parametrize("way", ["kill", "stop"])
async def test_valkey_without_appendonly_comes_back_empty(way: str) -> None:
    async with ValkeyServer() as server:
        await write(server, "lost")
        await (server.kill() if way == "kill" else server.stop())
        await server.start()
        assert await read(server) is None


@pytest.mark.parametrize("appendonly", [True, False])
async def test_valkey_restarted_from_an_old_snapshot_has_that_and_nothing_newer(appendonly: bool) -> None:
    async with ValkeyServer(appendonly=appendonly) as server:
        await write(server, "old")
        old = await server.save_snapshot()
        await write(server, "newer")
        newer = await server.save_snapshot()
        await write(server, "newest")
        await server.restart_from(old)
        assert await read(server) == b"old"
        await server.restart_from(newer)
        assert await read(server) == b"newer"


async def test_valkey_restored_from_a_snapshot_keeps_writing_its_append_only_file() -> None:
    async with ValkeyServer(appendonly=True) as server:
        await write(server, "old")
        snapshot = await server.save_snapshot()
        await server.restart_from(snapshot)
        await write(server, "written after the restore")
        await server.kill()
        await server.start()
        assert await read(server) == b"written after the restore"


async def test_erased_valkey_starts_empty_and_a_running_one_refuses() -> None:
    async with ValkeyServer(appendonly=True) as server:
        await write(server, "gone")
        with pytest.raises(RuntimeError, match="running valkey"):
            server.erase()
        await server.kill()
        server.erase()
        await server.start()
        assert await read(server) is None


async def test_valkey_over_its_maxmemory_refuses_writes_and_evicts_nothing() -> None:
    async with ValkeyServer(maxmemory="3mb") as server, Redis.from_url(server.url) as client:
        with pytest.raises(OutOfMemoryError):
            for number in range(1000):
                await client.set(f"key-{number}", b"x" * 10_000)
        assert await client.exists("key-0")


async def test_node_of_a_cluster_whose_bus_port_was_taken_meanwhile_gets_another() -> None:
    cluster = ValkeyCluster(primaries=1)
    taken = int(cluster.nodes[0].options["cluster-port"])
    with socket.create_server((LOOPBACK, taken)):
        async with cluster:
            assert cluster.nodes[0].options["cluster-port"] != str(taken)
            assert await cluster.owner_of(0) is cluster.nodes[0]
