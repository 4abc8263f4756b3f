"""Ends background tasks for certain. Leaves what they do to their owners."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_SECONDS = 0.2
"""Before a task that goes on is cancelled once more; one on its way out gets this long for each of its steps."""


def is_asked_to_end() -> bool:
    """Return whether somebody has cancelled the running task.

    Else a `CancelledError` in it is a client's own: aiokafka lets some out, of what it cancelled itself.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def begun() -> None:
    """Return when the task that was made last has come to its first wait, and what it wrote until then is sent."""
    # One turn of the loop to begin it, and another after what it wrote: the loop sends at the end of a turn.
    for _ in range(2):
        await asyncio.sleep(0)


async def end_tasks(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks until they have ended. Never raises what they raised.

    Once is not enough: until Python 3.12 `asyncio.wait_for`, with which the Redis client sends, loses a cancellation
    that comes together with what it waited for, and the task goes on as if nobody had asked.
    """
    waiting = set(tasks)
    while waiting:
        for task in tasks:
            if task in waiting:
                task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
