"""Script calls of one moment in one round trip, on a real server."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hiredis import pack_command
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError

from metering.contracts.entries import CustomerSettings
from metering.embedded.valkey import ValkeyServer
from metering.ledger import joined_calls
from metering.ledger.connection import UNKNOWN_FUNCTION, connect_redis
from metering.ledger.joined_calls import JOINED_BYTES_MAX, JoinedCalls, join_calls
from metering.ledger.live import BucketReader
from metering.ledger.records import customer_of_settings

ECHO, REFUSE, SLOW = "echo", "refuse", "slow"
FUNCTIONS = """#!lua name=joined
redis.register_function('echo', function(_, arguments) return arguments[1] end)
redis.register_function('refuse', function() return redis.error_reply('REFUSED by the script') end)
redis.register_function('slow', function(_, arguments)
  local n = 0 while n < 3e6 do n = n + 1 end return arguments[1]
end)
"""


class Caller:
    """Joined calls of functions that the server has."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.calls = JoinedCalls(redis)

    async def run(self, function: str, argument: bytes) -> Any:
        """Call one of the functions."""
        return await self.calls.execute_command("FCALL", function, 0, argument)


@pytest.fixture
async def caller(fresh_redis: Redis) -> AsyncIterator[Caller]:
    """Calls to a server without anything else in it."""
    await load(fresh_redis)
    one = Caller(fresh_redis)
    yield one
    await one.calls.aclose()
    await fresh_redis.function_delete("joined")


async def load(redis: Redis) -> None:
    """Give a server the functions."""
    await redis.function_load(FUNCTIONS, replace=True)


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many functions and reads each write to Redis calls."""
    found: list[int] = []

    class Counted:
        """A transport that counts what goes over it."""

        def __init__(self, transport: Any) -> None:
            self._transport = transport

        def __getattr__(self, name: str) -> Any:
            return getattr(self._transport, name)

        def write(self, data: bytes) -> None:
            note(data)
            self._transport.write(data)

    def note(written: bytes) -> None:
        if count := written.count(b"FCALL") + written.count(b"HMGET"):
            found.append(count)

    write, take_over = AbstractConnection.send_packed_command, joined_calls._take_over

    async def counted(self: AbstractConnection, command: bytes | Sequence[bytes], **options: Any) -> None:
        note(command if isinstance(command, bytes) else b"".join(command))
        await write(self, command, **options)

    def counted_too(connection: AbstractConnection) -> tuple[Any, Any]:
        transport, reader = take_over(connection)
        return Counted(transport), reader

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counted)
    monkeypatch.setattr(joined_calls, "_take_over", counted_too)
    return found


async def test_calls_of_one_moment_share_a_round_trip_and_each_gets_its_answer(
    caller: Caller, writes: list[int]
) -> None:
    arguments = [b"%d" % n for n in range(20)]
    assert await asyncio.gather(*(caller.run(ECHO, argument) for argument in arguments)) == arguments
    assert writes == [20]


async def test_call_that_comes_during_a_round_trip_goes_with_the_next(caller: Caller, writes: list[int]) -> None:
    first = asyncio.create_task(caller.run(SLOW, b"first"))
    while not writes:
        await asyncio.sleep(0)
    later = [asyncio.create_task(caller.run(ECHO, b"%d" % n)) for n in range(3)]
    answers: list[bytes] = await asyncio.gather(first, *later)
    assert answers == [b"first", b"0", b"1", b"2"]
    assert writes == [1, 3]


async def test_settings_are_read_with_what_other_buckets_ask_for(caller: Caller, writes: list[int]) -> None:
    known = CustomerSettings(1, "payg", "USD")
    await caller.redis.hset("{b1}:customers", mapping={"acme": customer_of_settings(known)})
    readers = [BucketReader(caller.redis, bucket, caller.calls) for bucket in range(3)]
    asked = [reader.settings(["acme", "other"]) for reader in readers]
    *found, answer = await asyncio.gather(*asked, caller.run(ECHO, b"beside"))
    assert (found, answer) == ([[None, None], [known, None], [None, None]], b"beside")
    assert writes == [4]


async def test_large_call_goes_by_itself(caller: Caller, writes: list[int]) -> None:
    large = b"x" * (JOINED_BYTES_MAX + 1)
    answers = await asyncio.gather(*(caller.run(ECHO, part) for part in (b"a", large, b"b")))
    assert answers == [b"a", large, b"b"]
    assert sorted(writes) == [1, 2]


async def test_refused_call_leaves_the_others_their_answers(caller: Caller) -> None:
    unknown = caller.run("unknown", b"x")
    calls = (caller.run(ECHO, b"a"), caller.run(REFUSE, b"b"), unknown, caller.run(ECHO, b"c"))
    answers: list[Any] = list(await asyncio.gather(*calls, return_exceptions=True))
    assert [answers[0], answers[3]] == [b"a", b"c"]
    assert isinstance(answers[1], ResponseError)
    assert "REFUSED" in str(answers[1])
    assert isinstance(answers[2], ResponseError)
    assert str(answers[2]).startswith(UNKNOWN_FUNCTION)


async def test_call_given_up_in_its_round_leaves_the_others_their_answers(caller: Caller, writes: list[int]) -> None:
    given_up = asyncio.create_task(caller.run(SLOW, b"given up"))
    beside = asyncio.create_task(caller.run(ECHO, b"beside"))
    while not writes:
        await asyncio.sleep(0)
    given_up.cancel()
    after = asyncio.create_task(caller.run(ECHO, b"after"))
    answers: list[bytes] = await asyncio.gather(beside, after)
    assert answers == [b"beside", b"after"]
    assert given_up.cancelled()


async def test_connection_that_the_server_closed_while_idle_is_opened_anew(caller: Caller) -> None:
    assert await caller.run(ECHO, b"before") == b"before"
    await caller.redis.client_kill_filter(_type="normal", skipme=True)
    while len(await caller.redis.client_list()) > 1:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.01)
    answers: list[bytes] = await asyncio.gather(caller.run(ECHO, b"a"), caller.run(ECHO, b"b"))
    assert answers == [b"a", b"b"]


async def test_server_that_dies_fails_all_that_have_no_answer_and_serves_again_when_it_is_back() -> None:
    async with ValkeyServer() as server, connect_redis(server.url) as redis:
        await load(redis)
        caller = Caller(redis)
        assert await caller.run(ECHO, b"before") == b"before"
        await server.kill()
        calls = [caller.run(ECHO, b"%d" % n) for n in range(3)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(answer, RedisError | OSError) for answer in answers)
        await server.restart()
        await load(redis)
        assert await caller.run(ECHO, b"again") == b"again"
        await caller.calls.aclose()


async def test_server_that_hangs_fails_its_calls_in_time_and_serves_again_on_a_new_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(joined_calls, "SOCKET_TIMEOUT_SECONDS", 0.2)
    async with ValkeyServer() as server, connect_redis(server.url) as redis:
        await load(redis)
        caller = Caller(redis)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            with pytest.raises(TimeoutError):
                await caller.run(ECHO, b"late")
        finally:
            os.kill(server.pid, signal.SIGCONT)
        monkeypatch.undo()
        assert await caller.run(ECHO, b"again") == b"again"
        await caller.calls.aclose()


async def test_close_gives_up_what_has_no_answer() -> None:
    async with ValkeyServer() as server, connect_redis(server.url) as redis:
        await load(redis)
        caller = Caller(redis)
        assert await caller.run(ECHO, b"before") == b"before"
        os.kill(server.pid, signal.SIGSTOP)
        try:
            call = asyncio.create_task(caller.run(ECHO, b"x"))
            await asyncio.sleep(0.05)
            async with asyncio.timeout(5):
                await caller.calls.aclose()
            with pytest.raises(asyncio.CancelledError):
                await call
        finally:
            os.kill(server.pid, signal.SIGCONT)


@pytest.mark.parametrize("answer", [b"-LOADING Redis is loading the dataset in memory\r\n", b"nonsense\r\n", b""])
async def test_answer_that_ends_the_connection_fails_all_and_the_next_call_has_another(
    caller: Caller, answer: bytes
) -> None:
    """A server that is not ready, one that is none, and one that goes: none of them is asked again by itself."""
    assert await caller.run(ECHO, b"before") == b"before"
    transport, calls = caller.calls._transport, [asyncio.create_task(caller.run(SLOW, b"%d" % n)) for n in range(3)]
    await asyncio.sleep(0.001)
    if answer:
        caller.calls.data_received(answer)
    else:
        caller.calls.connection_lost(None)
    failed: list[Any] = list(await asyncio.gather(*calls, return_exceptions=True))
    assert all(isinstance(one, RedisError) for one in failed)
    answers: list[bytes] = await asyncio.gather(caller.run(ECHO, b"a"), caller.run(ECHO, b"b"))
    assert answers == [b"a", b"b"]
    assert caller.calls._transport is not transport


async def test_call_is_packed_as_the_client_packs_it(caller: Caller) -> None:
    command: Any = ("FCALL", ECHO, 2, "{b1}:meta", "{b1}:ünder", b"\x00\xff\r\n$5", "ä€", 17, -3, 2.5, b"")
    first, again = (caller.calls._pack(command) for _ in range(2))
    assert first == again == pack_command(command)


async def test_cluster_keeps_its_own_calls() -> None:
    redis = connect_redis("redis+cluster://127.0.0.1:1")
    assert join_calls(redis) is redis
    await redis.aclose()
