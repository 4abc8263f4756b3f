"""Runs the real scripts in this process: Lua 5.1, as in Redis, with `redis.call` on a plain store.

Leaves the commands to `redis_commands`. What of Redis' Lua the scripts do not use is not here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lupa.lua51 import LuaError, LuaRuntime, lua_type
from msgspec import Struct

from tests.simulation import lua_struct
from tests.simulation.redis_commands import CommandError, Reply, Store, execute

_MSGPACK = Path(__file__).with_name("cmsgpack.lua")


class Function(Struct, frozen=True):
    """What a library has registered: its name, and what Lua calls."""

    name: bytes
    callback: Any


class LuaEngine:
    """One Lua state. Functions keep nothing in it between calls, so every store may use the same."""

    def __init__(self) -> None:
        self._lua = LuaRuntime(encoding=None, unpack_returned_tuples=True, register_eval=False)
        self._globals = self._lua.globals()
        self._compiled: dict[str, Any] = {}
        self._libraries: dict[str, Function] = {}
        self._store: Store = {}
        self._lua.execute(_MSGPACK.read_bytes())
        self._globals[b"struct"] = self._lua.table_from({b"pack": lua_struct.pack, b"unpack": lua_struct.unpack})
        self._globals[b"redis"] = self._lua.table_from({b"call": self._call, b"register_function": self._register})
        self._registered: list[Function] = []

    @property
    def lua(self) -> LuaRuntime:
        """The state itself, for tests that look into it."""
        return self._lua

    def load(self, library: str) -> Function:
        """Return what a library registers: one function. What it makes at its first call it has from then on."""
        function = self._libraries.get(library)
        if function is None:
            self._lua.execute(library.partition("\n")[2].encode())
            function = self._libraries[library] = self._registered.pop()
        return function

    def call(self, function: Function, store: Store, keys: Sequence[bytes], arguments: Sequence[bytes]) -> Reply:
        """Call a function on a store; raises `CommandError` with what went wrong, writes before it stay."""
        return self._on(store, lambda: function.callback(self._lua.table_from(keys), self._lua.table_from(arguments)))

    def run(self, text: str, store: Store, arguments: Sequence[bytes]) -> Reply:
        """Run a script on a store, as `call` does."""
        script = self._compiled.get(text)
        if script is None:
            script = self._compiled[text] = self._lua.compile(text.encode())
        self._globals[b"ARGV"] = self._lua.table_from(arguments)
        return self._on(store, script)

    def _on(self, store: Store, work: Callable[[], Any]) -> Reply:
        self._store = store
        try:
            answer = work()
            return _reply(answer[0] if isinstance(answer, tuple) else answer)
        except LuaError as error:
            raise CommandError(f"ERR {error}") from error

    def _register(self, told: Any) -> None:
        self._registered.append(Function(told[b"function_name"], told[b"callback"]))

    def _call(self, name: bytes, *arguments: bytes | float) -> Any:
        answer = execute(self._store, name, [_argument(argument) for argument in arguments])
        return self._given(answer)

    def _given(self, answer: Reply) -> Any:
        if isinstance(answer, list):
            return self._lua.table_from([self._given(item) for item in answer])
        return False if answer is None else answer


@cache
def shared_engine() -> LuaEngine:
    """Return the one engine of this process: making one takes a moment."""
    return LuaEngine()


def _argument(value: bytes | float) -> bytes:
    if isinstance(value, bytes):
        return value
    return b"%.17g" % value


def _reply(value: Any) -> Reply:
    if isinstance(value, bool):
        return 1 if value else None
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, int | float):
        return int(value)
    assert lua_type(value) == "table"
    items: list[Reply] = []
    for index in range(1, len(value) + 1):
        item = value[index]
        if item is None:
            break
        items.append(_reply(item))
    return items
