"""A Redis that runs the real scripts, and can lose everything or go back to any earlier moment.

Leaves commands to `redis_commands`, and the way to it to `network`.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha1
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError, NoScriptError, ResponseError

from tests.simulation.lua_engine import shared_engine
from tests.simulation.network import Network, Unanswered
from tests.simulation.redis_commands import CommandError, Reply, Store, execute

HISTORY_MAX = 400
"""Earlier states that it can go back to."""


class RedisServer:
    """The server: one store, the scripts that it knows, and its past."""

    def __init__(self) -> None:
        self.store: Store = {}
        self.scripts: dict[bytes, str] = {}
        self.past: list[Store] = []

    def command(self, name: bytes, *arguments: Any) -> Reply:
        """Run a command. Raises `ResponseError`."""
        try:
            return self._noted(lambda: execute(self.store, name, [_bytes(argument) for argument in arguments]))
        except CommandError as error:
            raise ResponseError(str(error)) from error

    def evalsha(self, sha: str, count: int, *arguments: Any) -> Reply:
        """Run a script that it knows. Raises `NoScriptError`, `ResponseError`."""
        text = self.scripts.get(sha.encode())
        if text is None:
            raise NoScriptError("No matching script. Please use EVAL.")
        return self.eval(text, count, *arguments)

    def eval(self, text: str, count: int, *arguments: Any) -> Reply:
        """Run a script, and know it from now on. Raises `ResponseError`."""
        self.scripts[sha1(text.encode(), usedforsecurity=False).hexdigest().encode()] = text
        values = [_bytes(argument) for argument in arguments]
        try:
            return self._noted(lambda: shared_engine().run(text, self.store, values[:count], values[count:]))
        except CommandError as error:
            raise ResponseError(str(error)) from error

    def flush(self) -> None:
        """Lose everything."""
        self.store, self.scripts = {}, {}

    def go_back(self, states: int) -> None:
        """Come back as it was that many writes ago, with the scripts forgotten."""
        if self.past:
            self.store = dict(self.past[max(0, len(self.past) - 1 - states)])
        self.scripts = {}

    def _noted(self, work: Callable[[], Reply]) -> Reply:
        before = dict(self.store)
        try:
            return work()
        finally:
            if len(before) != len(self.store) or any(self.store.get(key) is not value for key, value in before.items()):
                self.past.append(before)
                del self.past[:-HISTORY_MAX]


class RedisClient:
    """The server as one process sees it: the calls of `redis.asyncio.Redis` that the worker makes."""

    def __init__(self, server: RedisServer, network: Network | None = None) -> None:
        self._server = server
        self._network = network

    async def evalsha(self, sha: str, count: int, *arguments: Any) -> Reply:
        """Run a script by its name."""
        return await self._call(lambda: self._server.evalsha(sha, count, *arguments))

    async def eval(self, text: str, count: int, *arguments: Any) -> Reply:
        """Run a script."""
        return await self._call(lambda: self._server.eval(text, count, *arguments))

    async def hmget(self, key: str, fields: list[str]) -> Reply:
        """Read fields of a hash."""
        return await self._call(lambda: self._server.command(b"HMGET", key, *fields))

    async def hget(self, key: str, field: str) -> Reply:
        """Read a field of a hash."""
        return await self._call(lambda: self._server.command(b"HGET", key, field))

    async def get(self, key: str) -> Reply:
        """Read a string."""
        return await self._call(lambda: self._server.command(b"GET", key))

    async def set(self, key: str, value: bytes) -> Reply:
        """Write a string."""
        return await self._call(lambda: self._server.command(b"SET", key, value))

    async def delete(self, key: str) -> Reply:
        """Delete a key."""
        return await self._call(lambda: self._server.command(b"DEL", key))

    async def flushall(self) -> None:
        """Lose everything."""
        self._server.flush()

    async def _call(self, work: Callable[[], Reply]) -> Reply:
        if self._network is None:
            return work()
        try:
            return await self._network.call("redis", work)
        except Unanswered as error:
            raise RedisConnectionError("the connection was lost") from error


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return str(value).encode()
