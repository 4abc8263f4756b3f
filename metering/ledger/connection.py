"""Connects to Redis and checks that it can be a till. Leaves what is in it to `till`."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from metering.errors import Fatal, Retryable

SOCKET_TIMEOUT_SECONDS = 10.0
"""A script takes milliseconds; after this the connection is given up, and the call is told apart by its chunk id."""


def connect_redis(url: str) -> Redis:
    """Return a client; it connects with its first call. It never repeats a call by itself: the caller knows better."""
    client: Redis = Redis.from_url(
        url,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=5.0,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
    return client


async def check_redis(redis: Redis) -> None:
    """Raise `Fatal` where Redis may drop keys by itself, `Retryable` where it does not answer."""
    try:
        answer = await redis.config_get("maxmemory-policy")
    except ResponseError:
        return  # managed services forbid CONFIG; their documentation says how eviction is set
    except (RedisError, OSError) as error:
        raise Retryable(f"Redis does not answer: {error}") from error
    told: dict[Any, Any] = answer
    policy = told.get("maxmemory-policy") or told.get(b"maxmemory-policy") or "noeviction"
    policy = policy.decode() if isinstance(policy, bytes) else policy
    if policy != "noeviction":
        raise Fatal(f"Redis evicts keys (maxmemory-policy {policy}); set it to noeviction, or balances disappear")
