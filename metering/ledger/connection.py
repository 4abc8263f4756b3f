"""Connects to Redis, alone, behind sentinels or as a cluster, and checks that it can be a till.

Leaves what is in it to `till`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import structlog
from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    ConnectionError as RedisConnectionError,
    NoPermissionError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from metering.addresses import RedisAddress, parse_redis_url
from metering.errors import BrokenInvariant, Fatal, MeteringError, Retryable

log = structlog.get_logger(__name__)

SOCKET_TIMEOUT_SECONDS = 10.0
"""A script takes milliseconds; after this the connection is given up, and the call is told apart by its chunk id."""

CONNECT_TIMEOUT_SECONDS = 5.0

CONNECTIONS_MAX = 1_000
"""A bucket has one call under way, seldom two."""

REDIS_LEAST = 7
"""The version from which Redis keeps functions; Valkey says that it is 7."""

REDIS_ERRORS = (RedisError, RedisClusterException, OSError, RuntimeError)
"""All that a call may raise when Redis does not answer as it should. The cluster's own are no `RedisError`, and uvloop
tells of a connection that was closed meanwhile by a `RuntimeError`."""

_TRANSIENT = frozenset(
    [
        "OOM",
        "READONLY",
        "LOADING",
        "BUSY",
        "MASTERDOWN",
        "CLUSTERDOWN",
        "TRYAGAIN",
        "ASK",
        "MOVED",
        "NOREPLICAS",
        "MISCONF",
        "NOPERM",
    ]
)
"""Answers of a server that may come to itself, or be put right, with nothing applied."""


UNKNOWN_FUNCTION = "Function not found"
"""How a server says that it has not what is called. It has no code of its own."""


class _GuardedRedis(Redis):
    """The client of a primary behind sentinels: it closes the connections to them as well."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001  the client's own signature
        await super().aclose(close_connection_pool)
        manager: Any = self.connection_pool
        for sentinel in manager.sentinel_manager.sentinels:
            await sentinel.aclose()


class _ClusterRedis(RedisCluster):
    """The client of a cluster: closed under a call, it says what any client says whose connection is gone."""

    async def initialize(self, *arguments: Any, **named: Any) -> _ClusterRedis:
        with _closed_meanwhile():
            await super().initialize(*arguments, **named)
        return self

    async def execute_command(self, *command: Any, **options: Any) -> Any:
        with _closed_meanwhile():
            return await super().execute_command(*command, **options)


@contextmanager
def _closed_meanwhile() -> Iterator[None]:
    """Turn into an error of the client what it raises when it is closed under a call.

    Where the cluster is down, or after some slots have moved, one call has the client close all connections; another
    that opens one just then finds none in it, or knows the server of a slot no more, and raises what a fault in a
    program would.
    """
    try:
        yield
    except (AttributeError, LookupError) as error:
        why = f"the client of the cluster was closed meanwhile ({type(error).__name__}: {error})"
        raise RedisConnectionError(why) from error


def connect_redis(url: str) -> Redis:
    """Return a client; it connects with its first call. It never repeats a call by itself: the caller knows better.

    Of a cluster it finds the node by the keys' hash tag, and follows a slot that has moved: what answers MOVED or ASK
    has not carried out the call.
    """
    address = parse_redis_url(url)
    common: dict[str, Any] = {
        "socket_timeout": SOCKET_TIMEOUT_SECONDS,
        "socket_connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
        "username": address.user,
        "password": address.password,
        **_tls_of(address),
    }
    if address.mode == "cluster":
        nodes = [ClusterNode(host, port) for host, port in address.hosts]
        cluster = _ClusterRedis(startup_nodes=nodes, require_full_coverage=False, **common)
        # Of the two classes' calls we use only those that both have, with the same arguments.
        return cast("Redis", cluster)
    if address.mode == "sentinel":
        asking = common | {"username": address.sentinel_user, "password": address.sentinel_password}
        make: Any = Sentinel
        sentinel = make(address.hosts, sentinel_kwargs=asking, **common)
        primary: Redis = sentinel.master_for(address.name, redis_class=_GuardedRedis, db=address.database)
        return primary
    if address.path:
        return Redis(unix_socket_path=address.path, db=address.database, **common)
    ((host, port),) = address.hosts
    return Redis(host=host, port=port, db=address.database, **common)


async def check_redis(redis: Redis) -> None:
    """Raise `Fatal` where Redis may drop keys by itself or knows us not, `Retryable` where it does not answer.

    Says in the log where it writes nothing to disk: then its restart costs a restore of every bucket.
    """
    try:
        client: Any = redis
        asked = {"target_nodes": RedisCluster.PRIMARIES} if isinstance(client, RedisCluster) else {}
        answer: dict[str, Any] = await client.info(**asked)
    except NoPermissionError:
        log.warning("redis_not_checked", why="INFO is not permitted: see to it that maxmemory-policy is noeviction")
        return
    except AuthenticationError as error:
        raise Fatal(f"Redis does not let us in: {error}; METERING_REDIS__URL has user and password") from error
    except REDIS_ERRORS as error:
        raise Retryable(f"Redis does not answer: {error}") from error
    # Of one node the answer stands alone; of several each stands under its node's name.
    told = [answer] if "redis_version" in answer else list(answer.values())
    for one in told:
        version = str(one.get("redis_version", ""))
        if int(version.partition(".")[0] or REDIS_LEAST) < REDIS_LEAST:
            raise Fatal(f"Redis {version} keeps no functions; the ledger needs Redis {REDIS_LEAST} or Valkey")
        policy = one.get("maxmemory_policy", "noeviction")
        if policy != "noeviction":
            raise Fatal(f"Redis evicts keys (maxmemory-policy {policy}); set it to noeviction, or balances disappear")
    if any(one.get("aof_enabled") == 0 for one in told):
        log.warning("redis_without_aof", why="without it a restart costs a restore of every bucket: set appendonly yes")


def redis_error(error: Exception, what: str) -> MeteringError:
    """Return what an error of a call means: a state that may pass, or a script that broke."""
    if isinstance(error, ResponseError):
        # The client takes the code of those that it knows out of the message.
        code = getattr(error, "status_code", None) or str(error).partition(" ")[0]
        if code not in _TRANSIENT and not str(error).startswith(UNKNOWN_FUNCTION):
            return BrokenInvariant(f"script {what} failed: {error}")
        return Retryable(f"Redis refused {what}: {code} {error}")
    return Retryable(f"Redis did not answer {what}: {error}")


def _tls_of(address: RedisAddress) -> dict[str, Any]:
    if not address.tls:
        return {}
    return {
        "ssl": True,
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": True,
        "ssl_ca_certs": address.ca_file,
        "ssl_certfile": address.cert_file,
        "ssl_keyfile": address.key_file,
    }
