"""A connection that is closed under a call is Redis that does not answer: the bucket claims, and never stands still."""

from __future__ import annotations

import asyncio

import uvloop

from metering.embedded.valkey import ValkeyServer
from metering.errors import Retryable
from metering.ledger.connection import connect_redis
from metering.ledger.standstill import read_standstill

TURNS = 60
"""Of the loop, in which a call connects, asks and has its answer."""


def test_connection_that_is_closed_during_a_call_is_redis_that_does_not_answer(valkey: ValkeyServer) -> None:
    raised = uvloop.run(close_at_every_turn(valkey.url))

    assert any("handler is closed" in str(error) for error in raised), raised


async def close_at_every_turn(url: str) -> list[Exception]:
    """Close the connection after so many turns of the loop, for each number of them; return what calls raised."""
    raised: list[Exception] = []
    for turns in range(TURNS):
        redis = connect_redis(url)
        call = asyncio.create_task(read_standstill(redis, 0))
        for _ in range(turns):
            await asyncio.sleep(0)
        for connection in redis.connection_pool._in_use_connections:
            if connection._writer is not None:
                connection._writer.transport.abort()
        try:
            assert await call is None
        except Retryable as error:
            raised.append(error)
        await redis.aclose()
    return raised
