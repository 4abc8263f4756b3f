"""Script calls that are made at the same moment go to Redis in one round trip. Leaves what is called to `till`.

Under a light load all buckets of a worker have small chunks at the same time, and what costs is the call, not the
chunk: the client and the system calls of both sides take more than the script.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import inf
from typing import Any, cast

from hiredis import pack_command
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

from metering.ledger.connection import SOCKET_TIMEOUT_SECONDS
from metering.ledger.functions import ScriptCaller
from metering.tasks import end_tasks

JOINED_BYTES_MAX = 8 * 1024
"""A call with more goes by itself: some forty events, beside which a round trip is little. Redis sends the answers of
what came together when all of it is done: in a backlog the worker would wait while Redis works, and Redis after it."""


class _Call:
    """A call that waits for its round, and its answer."""

    __slots__ = ("answer", "command")

    def __init__(self, command: tuple[Any, ...]) -> None:
        self.command = command
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def fail(self, error: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class JoinedCalls:
    """Small calls over one connection, one round trip at a time: what comes meanwhile goes together in the next.

    A call that is given up may take effect all the same when its round is under way, as one of the client's own. When
    the connection breaks, all that have no answer fail alike.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: list[_Call] = []
        self._rounds: asyncio.Task[None] | None = None
        self._connection: AbstractConnection | None = None

    async def execute_command(self, *command: Any, **options: Any) -> Any:
        """Call a script with the others of this moment; by itself when what it is given is large, as other commands."""
        large = sum(len(argument) for argument in command if isinstance(argument, bytes)) > JOINED_BYTES_MAX
        if large or command[0] != "FCALL":
            redis: Any = self._redis  # untyped in redis-py
            return await redis.execute_command(*command, **options)
        call = _Call(command)
        self._waiting.append(call)
        if self._rounds is None:
            self._rounds = asyncio.create_task(self._run_rounds(), name="script-calls")
        return await call.answer

    async def aclose(self) -> None:
        """Give up what is under way; the connection goes back to the client."""
        if self._rounds is not None:
            await end_tasks(self._rounds)
        await self._drop_connection()

    async def _run_rounds(self) -> None:
        """Serve what waits until nothing does. Begun by a call, so it runs after all that are made at its moment."""
        calls: list[_Call] = []
        try:
            while self._waiting:
                calls = [call for call in self._waiting if not call.answer.done()]
                self._waiting.clear()
                try:
                    await self._run_round(calls)
                except Exception as error:  # noqa: BLE001  whatever it is, it is the answer of each
                    for call in calls:
                        call.fail(error)
                    await self._drop_connection()
        except asyncio.CancelledError:
            for call in (*calls, *self._waiting):
                call.answer.cancel()
            self._waiting.clear()
            raise
        finally:
            self._rounds = None

    async def _run_round(self, calls: Sequence[_Call]) -> None:
        """Send all and read all answers. Interrupted, the client closes the connection: no answer is mistaken."""
        if not calls:
            return
        pool: Any = self._redis.connection_pool
        connection = self._connection
        if connection is None:
            connection = self._connection = await pool.get_connection()
        elif not connection.is_connected or await connection.can_read():
            # The server has closed it meanwhile; no answer is owed to anybody.
            await connection.disconnect(nowait=True)
            await pool.ensure_connection(connection)
        # The client's own packing, in Python, is a tenth of what a small chunk costs a worker.
        await connection.send_packed_command(b"".join([pack_command(call.command) for call in calls]))
        # One timer a round, not one an answer.
        async with asyncio.timeout(SOCKET_TIMEOUT_SECONDS):
            for call in calls:
                try:
                    answer = await connection.read_response(timeout=inf)
                except ResponseError as error:
                    call.fail(error)
                else:
                    if not call.answer.done():
                        call.answer.set_result(answer)

    async def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)
            await self._redis.connection_pool.release(connection)


def join_calls(redis: Redis) -> ScriptCaller:
    """Return what joins the calls of a client; of a cluster the client itself: its buckets are on several servers."""
    if isinstance(cast("Any", redis), RedisCluster):
        return redis
    return JoinedCalls(redis)
