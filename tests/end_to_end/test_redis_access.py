"""Redis over TLS, as a user who may do what the docs say and nothing else. Leaves several to `test_redis_modes`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from metering.contracts.partitioning import partition_of
from metering.errors import Fatal, Retryable
from metering.ledger.connection import check_redis, connect_redis
from metering.settings import RedisSettings
from tests.end_to_end.command_line import run
from tests.end_to_end.messages import AMERICA, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import PARTITIONS, System
from tests.end_to_end.traffic import Totals
from tests.stack.brokers import ON_TANSU
from tests.stack.fresh import FreshStack
from tests.stack.tls_front import CA_FILE, TlsFront

pytestmark = ON_TANSU

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def documented_rules() -> list[str]:
    """The rules of the user that docs/operations.md tells operators to make."""
    found = re.search(r"ACL SETUSER metering (.*?)\n\n", OPERATIONS.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1].replace("\\\n", " ").split()


@pytest_asyncio.fixture
async def url(stack: FreshStack) -> AsyncIterator[str]:
    """The address of the test's Redis through TLS, as the user `metering` with the password `secret`."""
    async with Redis.from_url(stack.valkey.url) as admin:
        plain: Any = admin
        await plain.execute_command("ACL SETUSER", "metering", "reset", *documented_rules())
        async with TlsFront(stack.valkey.port) as front:
            yield f"rediss://metering:secret@127.0.0.1:{front.port}/0?ca_file={CA_FILE}"
        await plain.execute_command("ACL DELUSER", "metering")


async def test_documented_user_is_enough_for_everything(stack: FreshStack, tmp_path: Path, url: str) -> None:
    async with System.on(stack, tmp_path, redis=RedisSettings(url=url)) as system:
        system.start_checkpointer()
        system.start_worker()
        names = [f"customer-{n}" for n in range(6)]
        await system.send_commands([record for name in names for record in opening(name, 1_000_000)])
        await system.send([text(name, f"{name}-1", AMERICA) for name in names])
        await system.settled()

        bucket = partition_of("customer-0", PARTITIONS)
        # In a thread: TLS is taken off in this one.
        by = ("--actor", "ops", "--reason", "test")
        done = await asyncio.to_thread(run, system, "reconcile", "--repair", "ledger", *by)
        assert done["after"]["drift"] == 0
        async with Redis.from_url(stack.valkey.url) as admin:
            await admin.flushall()
            await admin.function_flush()
        await system.send([text(name, f"{name}-2", AMERICA) for name in names])
        await system.settled()

        await prove(system, dict.fromkeys(names, Totals(980_000)))
        balance = await asyncio.to_thread(run, system, "balance", "--customer", "customer-0")
        assert balance["wallets"][0]["available_micros"] == 980_000
        assert (await asyncio.to_thread(run, system, "bucket", "status"))["buckets"][bucket]["loaded"]
        log = "".join(path.read_text() for path in tmp_path.glob("worker-*.log"))
        assert "NOPERM" not in log
        assert "redis_not_checked" not in log


async def test_documented_user_may_do_nothing_else(url: str) -> None:
    async with connect_redis(url) as redis:
        for refused in (redis.flushall(), redis.config_get("*"), redis.set("other", "x"), redis.keys("*")):
            with pytest.raises(NoPermissionError):
                await refused


async def test_what_is_wrong_is_told_at_start(stack: FreshStack, url: str) -> None:
    async with connect_redis(url.replace("secret", "wrong")) as redis:
        with pytest.raises(Fatal, match="does not let us in"):
            await check_redis(redis)
    async with connect_redis(url.split("?", maxsplit=1)[0]) as redis:
        with pytest.raises(Retryable, match=r"(?i)certificate"):
            await check_redis(redis)
    async with connect_redis(url) as redis, Redis.from_url(stack.valkey.url) as admin:
        await admin.config_set("maxmemory-policy", "allkeys-lru")
        try:
            with pytest.raises(Fatal, match="set it to noeviction"):
                await check_redis(redis)
        finally:
            await admin.config_set("maxmemory-policy", "noeviction")
        await check_redis(redis)


async def test_redis_that_keeps_no_functions_is_told_at_start(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connect_redis(url) as redis:
        told: dict[str, Any] = await redis.info()

        async def as_an_older_one() -> dict[str, Any]:
            return told | {"redis_version": "6.2.14"}

        monkeypatch.setattr(redis, "info", as_an_older_one)
        with pytest.raises(Fatal, match=r"6\.2\.14 keeps no functions"):
            await check_redis(redis)
