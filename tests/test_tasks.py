"""Tasks that are to end do end, even where a driver loses the first request. Leaves their work to others."""

from __future__ import annotations

import asyncio

from metering.tasks import begun, end_tasks


async def test_task_that_loses_a_cancellation_is_cancelled_until_it_ends() -> None:
    lost = 0

    async def lose_two() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                lost += 1
                if lost == 3:
                    raise

    task = asyncio.create_task(lose_two())
    await asyncio.sleep(0)
    await asyncio.wait_for(end_tasks(task), 30)
    assert (task.cancelled(), lost) == (True, 3)


async def test_error_of_an_ended_task_is_not_raised() -> None:
    async def fail() -> None:
        raise ValueError

    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    await end_tasks(task)
    assert task.done()


async def test_begun_returns_when_a_new_task_waits_and_what_it_wrote_has_had_its_turn() -> None:
    steps: list[str] = []

    async def write() -> None:
        steps.append("begun")
        asyncio.get_running_loop().call_soon(steps.append, "sent")
        await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await begun()
    assert steps == ["begun", "sent"]
    assert not task.done()
    await end_tasks(task)
