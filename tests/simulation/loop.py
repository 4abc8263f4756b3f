"""An event loop in virtual time: no sockets, no waiting, every choice from one seed. Leaves what runs on it to others.

Several processes run on it. Within one, what is ready runs in the order in which it became ready, as in any asyncio
program; between them the order is drawn. A process can be frozen (SIGSTOP), thawed, and killed: then nothing of it ever
runs again, no `finally` included.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import deque
from collections.abc import Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any


class Killed(BaseException):
    """Raised in what is left of a process when a run is put away; nothing of it may have an effect any more."""


class StuckError(AssertionError):
    """Nothing can happen any more, or far too much happens: the run does not come to its end."""


class Process:
    """One process of the run: its tasks, and whether they may run."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.frozen = False
        self.reaped = False
        self.held: list[asyncio.Handle] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.spawned: list[asyncio.Task[Any]] = []
        self._context = copy_context()
        self._context.run(PROCESS.set, self)

    @property
    def runs(self) -> bool:
        """Whether its code may run now."""
        return self.reaped or not (self.dead or self.frozen)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task of this process; whatever it starts belongs to it too."""
        task = asyncio.get_running_loop().create_task(work, context=self._context.copy())
        self.spawned.append(task)
        return task

    @property
    def failures(self) -> list[str]:
        """What ended its own tasks, other than being put away."""
        ended = (task.exception() for task in self.spawned if task.done() and not task.cancelled())
        return [f"{self.name}: {error!r}" for error in ended if error is not None and not isinstance(error, Killed)]


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)
"""Whose code is running; None: the world's, which is never frozen."""

WORLD = Context()


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs one handle at a time; when none is ready, the clock jumps to the next timer."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]
    _timer_cancelled_count: int

    def __init__(self, rng: random.Random, steps_max: int) -> None:
        super().__init__()
        self.steps = 0
        self.unhandled: list[str] = []
        """What went wrong in tasks that nobody awaited."""
        self._rng = rng
        self._steps_max = steps_max
        self._now = 0.0
        self._processes: dict[int, Process] = {}
        self._clock_resolution = 1e-9
        self.set_exception_handler(self._note_unhandled)
        self.set_task_factory(_make_task)

    def time(self) -> float:
        """Virtual seconds since the beginning of the run."""
        return self._now

    def later(self, seconds: float, work: Any, *arguments: Any) -> None:
        """Have the world do something after a while."""
        self.call_later(seconds, work, *arguments, context=WORLD)

    def thaw(self, process: Process) -> None:
        """Let a frozen process go on with all that has come meanwhile."""
        process.frozen = False
        self._release(process)

    async def reap(self, processes: list[Process]) -> None:
        """Unwind what is left of all processes; every request that it still makes raises `Killed`."""
        for process in processes:
            process.reaped = True
        waiting = {task for process in processes for task in process.tasks if not task.done()}
        while waiting:
            for task in sorted(waiting, key=asyncio.Task.get_name):
                task.cancel()
            for process in processes:
                self._release(process)
            _, waiting = await asyncio.wait(waiting, timeout=60.0)

    def _release(self, process: Process) -> None:
        held, process.held = process.held, []
        self._ready.extend(held)

    def _run_once(self) -> None:
        handle = self._next()
        self.steps += 1
        if self.steps > self._steps_max:
            self._steps_max += 1_000_000
            raise StuckError(f"{self.steps:,} steps, and no end: at {self._now:.1f} s")
        handle._run()

    def _next(self) -> Any:
        """Take the next handle: of a process drawn, the first that is ready."""
        ready: Any = self._ready
        while True:
            while not ready:
                self._advance()
            drawn = self._rng.randrange(len(ready)) if len(ready) > 1 else 0
            process = ready[drawn]._context.get(PROCESS)
            index = next((n for n in range(drawn) if ready[n]._context.get(PROCESS) is process), drawn)
            handle = ready[index]
            del ready[index]
            if process is not None and not process.runs:
                process.held.append(handle)
            elif not handle._cancelled:
                return handle

    def _advance(self) -> None:
        """Let time pass until the next timer."""
        if not self._scheduled:
            raise StuckError(f"nothing is left to happen at {self._now:.1f} s")
        handle: Any = heapq.heappop(self._scheduled)
        handle._scheduled = False
        self._now = max(self._now, handle._when)
        if handle._cancelled:
            self._timer_cancelled_count -= 1
        else:
            self._ready.append(handle)

    def _write_to_self(self) -> None:
        """Nobody sleeps, so nobody needs to be woken."""

    def _note_unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        # A batch whose error nobody asks for is aiokafka's too.
        if context["message"].startswith("Task") and not isinstance(error, Killed | asyncio.CancelledError):
            self.unhandled.append(f"{context['message']}: {type(error).__name__}: {error}")


def _make_task(loop: asyncio.AbstractEventLoop, work: Any, context: Context | None = None) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, context=context)
    process = (context or copy_context()).get(PROCESS)
    if process is not None:
        process.tasks = (
            [known for known in process.tasks if not known.done()] if len(process.tasks) > 64 else process.tasks
        )
        process.tasks.append(task)
    return task
