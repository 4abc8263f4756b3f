"""Postgres that breaks off, has no room, or is not there yet. Leaves one that stops in order to `test_servers_fail`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from tests.end_to_end.metrics import count_logged
from tests.end_to_end.system import PARTITIONS, System
from tests.faults.run import Run
from tests.faults.soak.small_disk import SmallDiskPostgres
from tests.stack.brokers import ON_TANSU
from tests.stack.fresh import FreshStack

pytestmark = [
    pytest.mark.timeout(240),
    ON_TANSU,
]

BEHIND_ENTRIES = 400
"""More than comes between two flushes while they succeed."""


async def test_postgres_killed_in_mid_flush_gets_the_whole_of_it_once_it_is_back(run: Run) -> None:
    system = run.system
    await run.begin()

    async def kill_in_mid_flush() -> None:
        # A flush has read its position and copied its entries when it comes to what this transaction holds.
        holder = await asyncpg.connect(system.settings.postgres.dsn)
        await holder.execute("BEGIN; LOCK TABLE wallets IN ACCESS EXCLUSIVE MODE")
        try:
            await system.reached(lambda: waits_for_a_lock(holder), "a flush stands in its middle")
            await system.stack.postgres.kill()
        finally:
            holder.terminate()
        await system.stack.postgres.start()

    await run.with_fault(kill_in_mid_flush)


async def waits_for_a_lock(connection: asyncpg.Connection) -> bool:
    return bool(await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))


async def test_worker_and_checkpointer_that_start_before_postgres_wait_for_it(run: Run) -> None:
    system, postgres = run.system, run.system.stack.postgres
    await postgres.stop()
    system.start_checkpointer()
    worker = system.start_worker()
    await system.send_commands(run.traffic.commands)
    await system.reached(lambda: count_logged(worker, "bucket_restore_started"), "the worker asks for the books")
    await postgres.start()
    await system.settled()
    await system.send(run.traffic.events)
    await run.settle()


@pytest_asyncio.fixture(params=[True, False], ids=["small_disk", "no_right_to_write"])
async def cramped(
    request: pytest.FixtureRequest, stack: FreshStack, tmp_path: Path, seed: int
) -> AsyncIterator[tuple[Run, SmallDiskPostgres]]:
    """A run whose Postgres can be left without room; without the right to mount, by its limits in both cases."""
    async with SmallDiskPostgres(may_mount=request.param) as postgres:
        endpoints = replace(stack.endpoints, postgres_dsn=postgres.dsn)
        async with System.on(replace(stack, postgres=postgres, endpoints=endpoints), tmp_path) as system:
            yield Run(system, seed), postgres


async def test_postgres_without_room_for_a_byte_gets_everything_when_there_is_some_again(
    cramped: tuple[Run, SmallDiskPostgres],
) -> None:
    run, postgres = cramped
    system = run.system
    await run.begin()

    async def fill_and_free() -> None:
        postgres.fill()
        try:
            await system.reached(lambda: books_are_behind(system), "the books do not come along")
        finally:
            await postgres.free()

    await run.with_fault(fill_and_free)


async def books_are_behind(system: System) -> bool:
    applied = sum([(await system.status(bucket)).seq for bucket in range(PARTITIONS)])
    try:
        connection = await asyncpg.connect(system.settings.postgres.dsn, timeout=2)
    except (OSError, asyncpg.PostgresError):
        return True  # it has ended itself
    try:
        return applied - int(await connection.fetchval("SELECT sum(seq) FROM positions")) > BEHIND_ENTRIES
    finally:
        connection.terminate()
