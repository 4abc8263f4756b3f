"""Several Valkey servers as one till: a replica behind sentinels, and a cluster. Leaves faults to tests."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any, Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from metering.embedded.ports import LOOPBACK, find_free_port
from metering.embedded.process import POLL_SECONDS, Command
from metering.embedded.server import PORT_ATTEMPTS_MAX, NotReady, ServerFailed, build_environment
from metering.embedded.valkey import ValkeyServer, find_valkey_program

READY_SECONDS_MAX = 30.0
SLOTS = 16_384
BUS_PORT_TAKEN = "(cluster), aborting"
"""How a node's log ends whose bus port somebody else has."""
PRIMARY_NAME = "till"
DOWN_AFTER_MS = 1_000
"""A server silent for this long is replaced: in tests nobody wants to wait for the usual five seconds and more."""


class SentinelServer(ValkeyServer):
    """One sentinel, which watches a primary and replaces it when enough of them agree."""

    name = "sentinel"

    def __init__(self, primary: ValkeyServer, quorum: int) -> None:
        """Describe it; the primary is known by its port when the sentinel starts."""
        super().__init__()
        self._primary = primary
        self._quorum = quorum

    async def _prepare(self) -> None:
        await super()._prepare()
        path = self.work_path / "sentinel.conf"  # it writes into this file what it learns
        if not path.exists():
            watch = f"sentinel monitor {PRIMARY_NAME} {LOOPBACK} {self._primary.port} {self._quorum}"
            waits = [f"down-after-milliseconds {PRIMARY_NAME} {DOWN_AFTER_MS}", f"failover-timeout {PRIMARY_NAME} 6000"]
            lines = [f"port {self.port}", f"bind {LOOPBACK}", f"dir {self.data_path}", watch]
            path.write_text("\n".join([*lines, *(f"sentinel {wait}" for wait in waits), ""]), encoding="utf-8")

    def _build_command(self) -> Command:
        arguments = [str(find_valkey_program()), str(self.work_path / "sentinel.conf"), "--sentinel"]
        return Command(arguments, build_environment(), self.work_path)

    async def _check_ready(self) -> None:
        try:
            async with Redis.from_url(self.url, socket_timeout=5.0, retry=None) as client:
                if (await client.info("server"))["process_id"] != self.pid:
                    raise NotReady("another server answers on its port")
        except RedisError as error:
            raise NotReady(str(error)) from error


class SentinelGroup:
    """A primary, a replica of it, and three sentinels. As a context manager: all of it, replicating and watched."""

    def __init__(self) -> None:
        self.servers = [ValkeyServer(appendonly=True, options={"repl-diskless-sync-delay": "0"}) for _ in range(2)]
        self.sentinels = [SentinelServer(self.servers[0], quorum=2) for _ in range(3)]
        self._stack = AsyncExitStack()

    @property
    def url(self) -> str:
        """What `METERING_REDIS__URL` is for it."""
        return f"redis+sentinel://{','.join(sentinel.endpoint for sentinel in self.sentinels)}/{PRIMARY_NAME}"

    async def primary(self) -> ValkeyServer:
        """Return the server that the sentinels name."""
        async with _client(self.sentinels[0]) as client:
            _, port = await client.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", PRIMARY_NAME)
        return next(server for server in self.servers if server.port == int(port))

    async def __aenter__(self) -> Self:
        async with self._stack:
            primary, replica = [await self._stack.enter_async_context(server) for server in self.servers]
            async with Redis.from_url(replica.url) as client:
                await client.replicaof(LOOPBACK, primary.port)
            for sentinel in self.sentinels:
                await self._stack.enter_async_context(sentinel)
            await _until(self._is_whole, "the sentinels know each other and the replica")
            self._stack = self._stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _is_whole(self) -> bool:
        for sentinel in self.sentinels:
            async with _client(sentinel) as client:
                known = await client.execute_command("SENTINEL MASTER", PRIMARY_NAME)
            told = dict(zip(known[::2], known[1::2], strict=True))
            if (told[b"num-other-sentinels"], told[b"num-slaves"]) != (b"2", b"1"):
                return False
        async with Redis.from_url(self.servers[1].url) as client:
            state = await client.info("replication")
        return bool(state["master_link_status"] == "up")


class ValkeyCluster:
    """A cluster: `primaries` nodes with slots, and a replica of each. As a context manager: all of it, in agreement."""

    def __init__(self, primaries: int = 3) -> None:
        settings = {
            "cluster-enabled": "yes",
            "cluster-config-file": "nodes.conf",
            "cluster-node-timeout": str(DOWN_AFTER_MS),
            "cluster-require-full-coverage": "no",
            "repl-diskless-sync-delay": "0",
        }
        self.nodes = [
            # The usual bus port is 10,000 above the port, which may be beyond the last or somebody else's.
            ValkeyServer(appendonly=True, options=settings | {"cluster-port": str(find_free_port())})
            for _ in range(primaries * 2)
        ]
        self._primaries = primaries
        self._stack = AsyncExitStack()

    @property
    def url(self) -> str:
        """What `METERING_REDIS__URL` is for it."""
        return f"redis+cluster://{','.join(node.endpoint for node in self.nodes)}"

    async def owner_of(self, slot: int) -> ValkeyServer:
        """Return the node that serves a slot now."""
        async with _client(await self._running()) as client:
            for first, last, (_, port, *_), *_ in await client.execute_command("CLUSTER SLOTS"):
                if first <= slot <= last:
                    return next(node for node in self.nodes if node.port == port)
        raise ServerFailed(f"nobody serves slot {slot}")

    async def id_of(self, node: ValkeyServer) -> str:
        """Return a node's id."""
        async with _client(node) as client:
            found: bytes = await client.execute_command("CLUSTER MYID")
        return found.decode()

    async def __aenter__(self) -> Self:
        async with self._stack:
            for node in self.nodes:
                await self._start(node)
            await self._form()
            self._stack = self._stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self, node: ValkeyServer) -> None:
        """Start a node; on another bus port where somebody has taken its own since it was found free."""
        for attempt in range(1, PORT_ATTEMPTS_MAX + 1):
            try:
                await self._stack.enter_async_context(node)
            except ServerFailed as error:
                if attempt == PORT_ATTEMPTS_MAX or BUS_PORT_TAKEN not in str(error):
                    raise
                node.options["cluster-port"] = str(find_free_port())
            else:
                return

    async def _form(self) -> None:
        primaries, replicas = self.nodes[: self._primaries], self.nodes[self._primaries :]
        for number, node in enumerate(primaries):
            first, after = (SLOTS * n // len(primaries) for n in (number, number + 1))
            await self._ask(node, "CLUSTER ADDSLOTSRANGE", first, after - 1)
        for number, node in enumerate(self.nodes[1:], start=1):
            await self._ask(node, "CLUSTER SET-CONFIG-EPOCH", number)
            bus = int(primaries[0].options["cluster-port"])
            await self._ask(node, "CLUSTER MEET", LOOPBACK, primaries[0].port, bus)
        await _until(lambda: self._agree(len(primaries), 0), "the nodes know each other")
        for primary, replica in zip(primaries, replicas, strict=True):
            await self._ask(replica, "CLUSTER REPLICATE", await self.id_of(primary))
        await _until(lambda: self._agree(len(primaries), len(replicas)), "the replicas follow")

    async def _agree(self, primaries: int, replicas: int) -> bool:
        for node in self.nodes:
            text = (await self._ask(node, "CLUSTER NODES")).decode()
            lines = [line for line in text.splitlines() if "fail" not in line and "handshake" not in line]
            found = [flag for line in lines for flag in line.split()[2].split(",") if flag == "slave"]
            if (len(lines), len(found)) != (len(self.nodes), replicas):
                return False
            if "master_link_status:down" in (await self._ask(node, "INFO replication")).decode():
                return False  # it has nothing yet, and would not be promoted
            info = (await self._ask(node, "CLUSTER INFO")).decode()
            if "cluster_state:ok" not in info or f"cluster_size:{primaries}" not in info:
                return False
        return True

    async def _running(self) -> ValkeyServer:
        return next(node for node in self.nodes if node.is_running)

    async def _ask(self, node: ValkeyServer, *command: Any) -> Any:
        async with _client(node) as client:
            return await client.execute_command(*command)


def _client(server: ValkeyServer) -> Any:
    """Return a client that hands over answers as they come: its own reading of them changes from version to version."""
    client: Redis = Redis.from_url(server.url, socket_timeout=5.0, retry=None, protocol=2)
    client.response_callbacks.clear()
    return client


async def _until(holds: Any, what: str) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            if await holds():
                return
        except (RedisError, OSError):
            pass
        await asyncio.sleep(POLL_SECONDS)
    raise ServerFailed(f"not within {READY_SECONDS_MAX:.0f} s: {what}")
