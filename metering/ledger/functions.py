"""Calls a script as a function that Redis keeps; a server that has it not is given it. Leaves what for to `till`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol, cast

import structlog
from redis.asyncio import RedisCluster
from redis.exceptions import ResponseError

from metering.ledger.connection import UNKNOWN_FUNCTION
from metering.ledger.scripts import Script, library_prefix

log = structlog.get_logger(__name__)

VERSIONS_MAX = 8
"""Versions of a script that a server keeps. Beside each other there are two, three after a rollback."""


class ScriptCaller(Protocol):
    """What carries out commands: the client itself, or calls that are joined. Raises what the client raises."""

    async def execute_command(self, *command: Any, **options: Any) -> Any:
        """Carry out one command."""

    async def aclose(self) -> None:
        """Give up what is under way."""


async def call_script(redis: ScriptCaller, name: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
    """Call script `name`; a server that has it not is given it first, and has then done nothing yet.

    Any server may have it not: a new one, one that was flushed, restarted, or promoted before the function had come to
    it, one that a slot has moved to. Raises what the client raises; `ResponseError` with `UNKNOWN_FUNCTION` where it is
    gone again at once. Interrupted, the function may be there and the call may have taken effect.
    """
    script = Script.named(name)
    command = ("FCALL", script.name, len(keys), *keys, *arguments)
    if _is_cluster(type(redis)):
        await cast("RedisCluster", redis).initialize()
    try:
        return await redis.execute_command(*command, **_server_of(redis, keys[0]))
    except ResponseError as error:
        if not str(error).startswith(UNKNOWN_FUNCTION):
            raise
    await _give(redis, name, script, keys[0])
    return await redis.execute_command(*command, **_server_of(redis, keys[0]))


async def _give(redis: ScriptCaller, name: str, script: Script, key: str) -> None:
    """Load a script's library. Where its versions become too many, all others go: who calls one gives it again."""
    server = _server_of(redis, key)
    try:
        await redis.execute_command("FUNCTION LOAD", script.library, **server)
    except ResponseError as error:
        if "already exists" not in str(error):
            raise
        return
    found = await redis.execute_command("FUNCTION LIST", "LIBRARYNAME", f"{library_prefix(name)}*", **server)
    versions = {_pairs(library)[b"library_name"].decode() for library in found}
    if len(versions) <= VERSIONS_MAX:
        return
    log.info("script_versions_dropped", script=name, versions=len(versions) - 1)
    for version in sorted(versions - {script.name}):
        try:
            await redis.execute_command("FUNCTION DELETE", version, **server)
        except ResponseError as error:
            if "not found" not in str(error):
                raise


def _server_of(redis: ScriptCaller, key: str) -> dict[str, Any]:
    """Return which server of a cluster is meant. The client would ask the cluster for the keys of every call."""
    if not _is_cluster(type(redis)):
        return {}
    return {"target_nodes": cast("RedisCluster", redis).get_node_from_key(key)}


@cache
def _is_cluster(kind: type[ScriptCaller]) -> bool:
    """Return whether it is the cluster's client. Its type is an abstract one, of which to ask takes microseconds."""
    return issubclass(kind, RedisCluster)


def _pairs(library: list[Any]) -> dict[bytes, Any]:
    """Return a library as it is told of, names and values by turns."""
    return dict(zip(library[::2], library[1::2], strict=True))
