"""Tells in the log what each task of the process waits for, when SIGUSR1 asks. Leaves why it waits to the reader."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

import structlog

log = structlog.get_logger(__name__)

_LINKS = (("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"), ("ag_frame", "ag_await"))
"""Where a coroutine, a generator and an asynchronous generator keep their frame, and what they wait for."""


def tell_waits_on_signal() -> None:
    """Have SIGUSR1 write a line `task_waits` for each task of the running loop. Nothing else changes by it."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, log_waits)


def log_waits() -> None:
    """Write the lines: the task's name, and the calls it is in, the innermost last."""
    for task in sorted(asyncio.all_tasks(), key=asyncio.Task.get_name):
        log.info("task_waits", task=task.get_name(), at=[_place(frame) for frame in _frames(task.get_coro())])


def _frames(awaited: Any) -> Iterator[FrameType]:
    while awaited is not None:
        for frame_name, next_name in _LINKS:
            if hasattr(awaited, frame_name):
                frame = getattr(awaited, frame_name)
                if frame is not None:
                    yield frame
                awaited = getattr(awaited, next_name)
                break
        else:
            return


def _place(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__', '?')}:{frame.f_lineno} {frame.f_code.co_qualname}"
