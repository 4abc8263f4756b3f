"""Runs the real scripts in this process: Lua 5.1, as in Redis, with `redis.call` on a plain store.

Leaves the commands to `redis_commands`. What of Redis' Lua the scripts do not use is not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lupa.lua51 import LuaError, LuaRuntime, lua_type

from tests.simulation import lua_struct
from tests.simulation.redis_commands import CommandError, Reply, Store, execute

_MSGPACK = Path(__file__).with_name("cmsgpack.lua")


class LuaEngine:
    """One Lua state. Scripts keep nothing in it between calls, so every store may use the same."""

    def __init__(self) -> None:
        self._lua = LuaRuntime(encoding=None, unpack_returned_tuples=True, register_eval=False)
        self._globals = self._lua.globals()
        self._compiled: dict[str, Any] = {}
        self._store: Store = {}
        self._lua.execute(_MSGPACK.read_bytes())
        self._globals[b"struct"] = self._lua.table_from({b"pack": lua_struct.pack, b"unpack": lua_struct.unpack})
        self._globals[b"redis"] = self._lua.table_from({b"call": self._call})

    def run(self, text: str, store: Store, keys: Sequence[bytes], arguments: Sequence[bytes]) -> Reply:
        """Run a script on a store; raises `CommandError` with what went wrong, writes before it stay."""
        function = self._compiled.get(text)
        if function is None:
            function = self._compiled[text] = self._lua.compile(text.encode())
        self._globals[b"KEYS"] = self._lua.table_from(keys)
        self._globals[b"ARGV"] = self._lua.table_from(arguments)
        self._store = store
        try:
            answer = function()
            return _reply(answer[0] if isinstance(answer, tuple) else answer)
        except LuaError as error:
            raise CommandError(f"ERR {error}") from error

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
