"""Script calls that are made at the same moment go to Redis in one round trip, and reads of settings with them.

Leaves what is called to `till`.

Under a light load all buckets of a worker have small chunks at the same time, and what costs is the call, not the
chunk: the client and the system calls of both sides take more than the script. So the client only opens the connection;
what goes over it is written and read here, without a task, a stream or a timer for each call.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, cast

from hiredis import ProtocolError, PushNotification, Reader
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as ConnectionLostError, ReadOnlyError, RedisError, ResponseError

from metering.ledger.connection import SOCKET_TIMEOUT_SECONDS
from metering.ledger.functions import ScriptCaller
from metering.tasks import end_tasks

JOINED_BYTES_MAX = 8 * 1024
"""A call with more goes by itself: some forty events, beside which a round trip is little. Redis sends the answers of
what came together when all of it is done: in a backlog the worker would wait while Redis works, and Redis after it."""

HEADS_MAX = 1_024
"""Of calls, packed: a script's name with the keys of a bucket, which change every twelve hours of log time."""

_ARGUMENT = b"$%d\r\n%b\r\n"
_NOT_YET = object()
_Answer = asyncio.Future[Any]


class JoinedCalls(asyncio.Protocol):
    """Small calls over one connection, one round trip at a time: what comes meanwhile goes together in the next.

    A call that is given up may take effect all the same when its round is under way, as one of the client's own. When
    the connection breaks, all that have no answer fail alike.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: list[tuple[bytes, _Answer]] = []
        self._under_way: deque[_Answer] = deque()
        self._is_begun = False
        """A round is under way, or about to be: all that wait go with it or with the next."""
        self._connection: AbstractConnection | None = None
        self._transport: asyncio.Transport | None = None
        """None while there is no connection to write to."""
        self._connecting: asyncio.Task[None] | None = None
        self._reader: Reader = Reader()
        self._patience: asyncio.TimerHandle | None = None
        self._heads: dict[tuple[Any, ...], bytes] = {}

    async def execute_command(self, *command: Any, **options: Any) -> Any:
        """Send a small call with the others of this moment; large ones, and other commands, go by themselves."""
        packed = self._pack(command)
        if packed is None:
            redis: Any = self._redis  # untyped in redis-py
            return await redis.execute_command(*command, **options)
        loop = asyncio.get_running_loop()
        answer: _Answer = loop.create_future()
        self._waiting.append((packed, answer))
        if not self._is_begun:
            self._is_begun = True
            # After all that are called at this moment.
            loop.call_soon(self._begin_round)
        return await answer

    async def aclose(self) -> None:
        """Give up what is under way; the connection goes back to the client."""
        if self._connecting is not None:
            await end_tasks(self._connecting)
        for answer in (*self._under_way, *(answer for _, answer in self._waiting)):
            answer.cancel()
        self._waiting.clear()
        self._end_round()
        await self._give_back()

    def data_received(self, data: bytes) -> None:
        """Hand out the answers that have come. After a call's own error the others still get theirs."""
        reader, under_way = self._reader, self._under_way
        try:
            reader.feed(data)
            while (found := reader.gets()) is not _NOT_YET:
                if isinstance(found, PushNotification):
                    continue
                if isinstance(found, RedisError) and _ends_connection(found):
                    self._break(found)
                    return
                answer = under_way.popleft()
                if answer.done():
                    continue
                if isinstance(found, RedisError):
                    answer.set_exception(found)
                else:
                    answer.set_result(found)
        except (ProtocolError, IndexError) as error:
            self._break(ConnectionLostError(f"what Redis answers is no answer: {error}"))
            return
        if not under_way and self._patience is not None:
            self._end_round()
            self._begin_round()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what has no answer; what waits goes over a new connection."""
        if self._transport is not None:
            self._break(ConnectionLostError(f"the connection was closed: {exc or 'by the server'}"))

    def _pack(self, command: tuple[Any, ...]) -> bytes | None:
        """Return a call as it is written, None where it is large: FCALL, function, number of keys, keys, arguments.

        Or HMGET, a key, fields. The client's own packing is a tenth of what a small chunk costs a worker, and two
        thirds of it are the keys.
        """
        if command[0] == "FCALL":
            after = 3 + command[2]
        elif command[0] == "HMGET":
            after = 2
        else:
            return None
        head = command[:after]
        packed = self._heads.get(head)
        if packed is None:
            if len(self._heads) >= HEADS_MAX:
                self._heads.clear()
            packed = self._heads[head] = b"".join(map(_pack_one, head))
        parts: list[Any] = [len(command), packed]
        size = 0
        for one in command[after:]:
            data = one if type(one) is bytes else str(one).encode()
            parts += (len(data), data)
            size += len(data)
        if size > JOINED_BYTES_MAX:
            return None
        form: bytes = b"*%d\r\n%b" + _ARGUMENT * (len(command) - after)
        return form % tuple(parts)

    def _begin_round(self) -> None:
        """Send all that wait; end the rounds where nothing does."""
        transport = self._transport
        if transport is None or transport.is_closing():
            self._let_go()
            if self._connecting is None:
                self._connecting = asyncio.create_task(self._connect(), name="script-calls")
            return
        calls = [(packed, answer) for packed, answer in self._waiting if not answer.done()]
        self._waiting.clear()
        self._is_begun = bool(calls)
        if calls:
            self._under_way.extend([answer for _, answer in calls])
            # One timer a round, not one an answer.
            self._patience = asyncio.get_running_loop().call_later(SOCKET_TIMEOUT_SECONDS, self._give_up)
            try:
                transport.write(b"".join([packed for packed, _ in calls]))
            except (OSError, RuntimeError) as error:  # uvloop raises the last on a connection that is closed
                self._break(error)

    def _end_round(self) -> None:
        self._under_way.clear()
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        self._is_begun = False

    def _give_up(self) -> None:
        self._break(TimeoutError(f"no answer within {SOCKET_TIMEOUT_SECONDS:.0f} s"))

    def _break(self, error: Exception) -> None:
        """Fail all that are under way, and let go of the connection: no answer is mistaken for another's."""
        self._let_go()
        _fail(self._under_way, error)
        self._end_round()
        if self._waiting:
            self._is_begun = True
            self._begin_round()

    def _let_go(self) -> None:
        """Close the connection; nothing that still comes of it is heard."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.set_protocol(asyncio.Protocol())
            transport.abort()

    async def _connect(self) -> None:
        """Open a connection and begin. Where that fails, so do all that wait."""
        pool: Any = self._redis.connection_pool
        try:
            connection = self._connection
            if connection is None:
                connection = self._connection = await pool.get_connection()
            else:
                await connection.disconnect(nowait=True)
                await pool.ensure_connection(connection)
            # The client has opened it, let itself in and chosen the database: nothing is owed to it any more, and what
            # comes now comes here.
            self._transport, self._reader = _take_over(connection)
            self._transport.set_protocol(self)
        except Exception as error:  # noqa: BLE001  whatever it is, it is the answer of each
            await self._give_back()
            self._connecting, self._is_begun = None, False
            waiting, self._waiting = self._waiting, []
            _fail([answer for _, answer in waiting], error)
            return
        self._connecting = None
        self._begin_round()

    async def _give_back(self) -> None:
        self._let_go()
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)
            await self._redis.connection_pool.release(connection)


def join_calls(redis: Redis) -> ScriptCaller:
    """Return what joins the calls of a client; of a cluster the client itself: its buckets are on several servers."""
    if isinstance(cast("Any", redis), RedisCluster):
        return redis
    return JoinedCalls(redis)


def _fail(answers: Sequence[_Answer], error: Exception) -> None:
    for answer in answers:
        if not answer.done():
            answer.set_exception(error)


def _pack_one(part: Any) -> bytes:
    data = str(part).encode()
    return _ARGUMENT % (len(data), data)


def _ends_connection(error: RedisError) -> bool:
    """Return whether the connection is of no use after it: the server is not ready, or is no primary any more."""
    return not isinstance(error, ResponseError) or isinstance(error, ReadOnlyError)


def _take_over(connection: AbstractConnection) -> tuple[asyncio.Transport, Reader]:
    """Return what a connection of the client's writes to, and what reads answers and errors as the client does."""
    client: Any = connection  # it shows neither to anybody
    transport: asyncio.Transport = client._writer.transport  # noqa: SLF001  asyncio's own way to hand one over
    return transport, Reader(replyError=client._parser.parse_error, notEnoughData=_NOT_YET)  # noqa: SLF001
