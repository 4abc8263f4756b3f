"""Servers that lose data, go away or come back in mid-run. Leaves dying processes to `test_processes_die`."""

from __future__ import annotations

import asyncio

import pytest

from tests.end_to_end.metrics import count_logged
from tests.faults.run import Run
from tests.stack.brokers import ON_APACHE, ON_TANSU

pytestmark = pytest.mark.timeout(240)  # a broker that comes back on a busy machine takes a minute

AWAY_SECONDS = 1.0


@pytest.mark.requirement("INF-01")
async def test_redis_flushed_in_mid_run_is_restored_from_the_books(run: Run) -> None:
    system = run.system
    await run.begin()

    async def flush() -> None:
        await system.redis.flushall()

    await run.with_fault(flush)


@pytest.mark.requirement("INF-01")
async def test_redis_restarted_from_an_old_snapshot_in_mid_run_is_restored_from_the_books(run: Run) -> None:
    system = run.system
    await run.begin()

    async def go_back() -> None:
        snapshot = await system.stack.valkey.save_snapshot()
        await run.moment()
        await system.stack.valkey.restart_from(snapshot)

    await run.with_fault(go_back)


@ON_APACHE
async def test_redis_killed_and_restarted_with_all_its_data_goes_on(run: Run) -> None:
    system = run.system
    await run.begin()

    async def kill_and_start() -> None:
        await system.stack.valkey.kill()
        await asyncio.sleep(0.5)
        await system.stack.valkey.start()

    evidence = await run.with_fault(kill_and_start)
    assert evidence.all_entries


@ON_APACHE
async def test_redis_flushed_while_its_worker_is_killed_is_restored_by_the_next(run: Run) -> None:
    system = run.system
    (worker,) = await run.begin()

    async def kill_and_flush() -> None:
        system.kill(worker)
        await system.redis.flushall()
        system.start_worker()

    await run.with_fault(kill_and_flush)


@ON_TANSU
async def test_redis_that_has_no_room_in_mid_run_is_asked_again_until_it_has(run: Run) -> None:
    system = run.system
    (worker,) = await run.begin()

    async def fill_and_empty() -> None:
        await system.redis.config_set("maxmemory", "1mb")
        try:
            await system.reached(lambda: count_logged(worker, "apply_waits"), "a call waits for room")
        finally:
            await system.redis.config_set("maxmemory", "0")

    await run.with_fault(fill_and_empty)


@ON_TANSU
async def test_redis_that_forgets_its_scripts_in_mid_run_gets_them_again(run: Run) -> None:
    system = run.system
    await run.begin()

    async def forget_twice() -> None:
        await system.redis.function_flush()
        await run.moment()
        await system.redis.function_flush()

    await run.with_fault(forget_twice)


async def test_idle_redis_that_is_flushed_is_noticed_and_restored_without_traffic(run: Run) -> None:
    system = run.system
    await run.begin()
    await system.redis.flushall()

    async def is_back() -> bool:
        buckets = range(system.settings.kafka.partitions)
        return all([(await system.status(bucket)).loaded for bucket in buckets])

    await system.reached(is_back, "every bucket restored")
    await system.send(run.traffic.events)
    await run.settle()


@ON_APACHE
async def test_postgres_stopped_in_mid_run_and_started_again_gets_all_entries(run: Run) -> None:
    system = run.system
    await run.begin()

    async def applied() -> int:
        return sum([(await system.status(bucket)).seq for bucket in range(system.settings.kafka.partitions)])

    async def stop_and_start() -> None:
        await system.stack.postgres.stop()
        applied_before = await applied()

        async def goes_on() -> bool:
            return await applied() > applied_before

        await system.reached(goes_on, "metering goes on without Postgres")
        await asyncio.sleep(AWAY_SECONDS)
        await system.stack.postgres.start()

    await run.with_fault(stop_and_start)


@ON_APACHE
async def test_broker_killed_in_mid_run_and_restarted_loses_nothing(run: Run) -> None:
    system = run.system
    await run.begin()

    async def kill_and_start() -> None:
        await system.stack.broker.kill()
        await system.stack.broker.start()

    await run.with_fault(kill_and_start)
