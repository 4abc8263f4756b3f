"""Processes that are killed or held up in mid-run. Leaves servers that fail to `test_servers_fail`."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from tests.faults.run import Run
from tests.stack.brokers import ON_APACHE

pytestmark = pytest.mark.timeout(240)  # a broker that comes back on a busy machine takes a minute

PAST_THE_SESSION_SECONDS = 5.0


@pytest.mark.requirement("INF-01")
async def test_worker_killed_in_mid_run_and_started_again_leaves_totals_exact(run: Run) -> None:
    system = run.system
    (worker,) = await run.begin()

    async def kill_and_start_again() -> None:
        system.kill(worker)
        await run.moment()
        system.start_worker()

    await run.with_fault(kill_and_start_again)


@ON_APACHE
@pytest.mark.requirement("INF-05")
async def test_one_of_two_workers_killed_in_mid_run_leaves_its_buckets_to_the_other(run: Run) -> None:
    system = run.system
    workers = await run.begin(workers=2)

    async def kill_one() -> None:
        system.kill(run.random.choice(workers))

    await run.with_fault(kill_one)


@ON_APACHE
async def test_worker_killed_again_and_again_leaves_totals_exact(run: Run) -> None:
    system = run.system
    (worker,) = await run.begin()

    async def kill_thrice() -> None:
        nonlocal worker
        for _ in range(3):
            system.kill(worker)
            worker = system.start_worker()
            # Long enough to come up and get to work, sometimes; at other times it dies while it claims.
            await asyncio.sleep(run.random.uniform(1.0, 6.0))

    await run.with_fault(kill_thrice)


async def test_worker_stopped_past_its_session_and_woken_finds_its_buckets_gone(run: Run) -> None:
    system = run.system
    (zombie,) = await run.begin()
    system.start_worker()

    async def hold_up() -> None:
        os.kill(zombie.pid, signal.SIGSTOP)
        await asyncio.sleep(PAST_THE_SESSION_SECONDS)
        os.kill(zombie.pid, signal.SIGCONT)

    await run.with_fault(hold_up)


@ON_APACHE
async def test_checkpointer_killed_in_mid_run_and_started_again_leaves_the_books_exact(run: Run) -> None:
    system = run.system
    checkpointer = system.start_checkpointer()
    system.start_worker()
    await run.open_customers()

    async def kill_and_start_again() -> None:
        system.kill(checkpointer)
        await run.moment()
        system.start_checkpointer()

    await run.with_fault(kill_and_start_again)


@ON_APACHE
async def test_two_checkpointers_of_which_one_is_held_up_write_every_entry_once(run: Run) -> None:
    system = run.system
    held_up = system.start_checkpointer()
    system.start_worker()
    await run.open_customers()
    system.start_checkpointer()

    async def hold_up() -> None:
        os.kill(held_up.pid, signal.SIGSTOP)
        await asyncio.sleep(PAST_THE_SESSION_SECONDS)
        os.kill(held_up.pid, signal.SIGCONT)

    await run.with_fault(hold_up)
