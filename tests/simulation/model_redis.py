"""A Redis that runs the real scripts, and can lose everything or go back to any earlier moment.

Leaves commands to `redis_commands`, and the way to it to `network`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError, ResponseError

from metering.ledger.connection import UNKNOWN_FUNCTION
from tests.simulation.lua_engine import Function, shared_engine
from tests.simulation.network import Network, Unanswered
from tests.simulation.redis_commands import CommandError, Reply, Store, execute

HISTORY_MAX = 400
"""Earlier states that it can go back to."""


class RedisServer:
    """The server: one store, the functions that it has, and its past."""

    def __init__(self) -> None:
        self.store: Store = {}
        self.functions: dict[str, Function] = {}
        self.past: list[Store] = []

    def command(self, name: bytes, *arguments: Any) -> Reply:
        """Run a command. Raises `ResponseError`."""
        return self._answer(lambda: execute(self.store, name, [_bytes(argument) for argument in arguments]))

    def load(self, library: str) -> Reply:
        """Keep the function of a library. Raises `ResponseError` where it has it."""
        function = shared_engine().load(library)
        name = function.name.decode()
        if name in self.functions:
            raise ResponseError(f"Library '{name}' already exists")
        self.functions[name] = function
        return function.name

    def call(self, name: str, count: int, *arguments: Any) -> Reply:
        """Call a function. Raises `ResponseError`, of one that it has not as well."""
        function = self.functions.get(name)
        if function is None:
            raise ResponseError(UNKNOWN_FUNCTION)
        values = [_bytes(argument) for argument in arguments]
        return self._answer(lambda: shared_engine().call(function, self.store, values[:count], values[count:]))

    def eval(self, text: str, *arguments: Any) -> Reply:
        """Run a script without keys. Raises `ResponseError`."""
        values = [_bytes(argument) for argument in arguments]
        return self._answer(lambda: shared_engine().run(text, self.store, values))

    def flush(self) -> None:
        """Lose everything."""
        self.store, self.functions = {}, {}

    def go_back(self, states: int) -> None:
        """Come back as it was that many writes ago, with the functions forgotten."""
        if self.past:
            self.store = dict(self.past[max(0, len(self.past) - 1 - states)])
        self.functions = {}

    def _answer(self, work: Callable[[], Reply]) -> Reply:
        try:
            return self._noted(work)
        except CommandError as error:
            raise ResponseError(str(error)) from error

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

    async def execute_command(self, command: str, *arguments: Any) -> Reply:
        """Call a function, or give the server one; it never tells of any, so none is dropped. Or read of a hash."""
        commands: dict[str, Callable[..., Reply]] = {
            "FCALL": self._server.call,
            "FUNCTION LOAD": self._server.load,
            "FUNCTION LIST": lambda *_: [],
            "HMGET": partial(self._server.command, b"HMGET"),
        }
        return await self._call(lambda: commands[command](*arguments))

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
