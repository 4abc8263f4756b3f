"""A command's coroutine from its start to its end or to Ctrl-C. Leaves what it does to the command."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

AGAIN_SECONDS = 15.0
"""An interrupted command has so long to end in order, which for servers of its own takes some seconds."""
POLL_SECONDS = 0.5


def run_async(work: Coroutine[Any, Any, T], loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> T:
    """Run `work` and return what it returns, as `asyncio.run` does. Raises `KeyboardInterrupt` at Ctrl-C.

    Interrupted, it is cancelled until it ends. Once is not enough, as `tasks.end_tasks` says of tasks: the command
    would go on as if nobody had asked. But here each time is long enough to end in order, and a second Ctrl-C ends it
    at once and in no order.
    """
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(_with_insistence(work))


async def _with_insistence(work: Coroutine[Any, Any, T]) -> T:
    insisting = asyncio.create_task(_cancel_again(asyncio.current_task()))
    try:
        return await work
    finally:
        insisting.cancel()


async def _cancel_again(task: asyncio.Task[Any] | None) -> None:
    assert task is not None  # noqa: S101  for the type checker: a coroutine is run by one
    asked_at: float | None = None
    while True:
        await asyncio.sleep(POLL_SECONDS)
        if not task.cancelling():  # a timeout cancels too, and takes it back
            asked_at = None
        elif asked_at is None:
            asked_at = time.monotonic()
        elif time.monotonic() - asked_at >= AGAIN_SECONDS:
            asked_at = None
            # Counted once, however often: by that `asyncio.run` knows an interruption from another's cancellation.
            task.uncancel()
            task.cancel()
