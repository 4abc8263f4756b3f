"""What a turn of a loop costs at the moment, in Python and in Redis' Lua. Leaves dividing by it to readers.

The same machine is worth more in one hour than in another: figures of different hours compare as multiples of a turn.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from msgspec import Struct
from redis.asyncio import Redis

PYTHON_TURNS = 100_000
LUA_TURNS = 100_000
"""2 ms in Redis, 5 ms here: a sample a second takes half a hundredth."""
SAMPLE_SECONDS = 1.0
_LOOP = "local sum = 0 for n = 1, tonumber(ARGV[1]) do sum = sum + n % 7 end return sum"


class Turns(Struct, frozen=True):
    """Nanoseconds of CPU for a turn: the medians of some samples."""

    python_nanoseconds: float
    lua_nanoseconds: float


class Calibration:
    """Samples taken so far. `redis_seconds` is what they cost Redis: no part of what is measured."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._python: list[float] = []
        self._lua: list[float] = []
        self.redis_seconds = 0.0

    async def sample(self) -> None:
        """Take a sample of each."""
        self._python.append(python_turn_nanoseconds())
        seconds = await lua_loop_seconds(self._redis, LUA_TURNS)
        self.redis_seconds += seconds
        self._lua.append(seconds / LUA_TURNS * 1e9)

    @property
    def turns(self) -> Turns:
        """The medians."""
        return Turns(statistics.median(self._python), statistics.median(self._lua))

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """Take a sample every second while the body runs; one that is under way is finished, so that it is counted."""
        ended = asyncio.Event()
        sampling = asyncio.create_task(self._sample_until(ended))
        try:
            yield
        finally:
            ended.set()
            await sampling

    async def _sample_until(self, ended: asyncio.Event) -> None:
        while not ended.is_set():
            await self.sample()
            with suppress(TimeoutError):
                async with asyncio.timeout(SAMPLE_SECONDS):
                    await ended.wait()


def python_turn_nanoseconds(turns: int = PYTHON_TURNS) -> float:
    """Return the CPU time of a turn of a plain loop in this thread, in nanoseconds."""
    started = time.thread_time_ns()
    total = 0
    for number in range(turns):
        total += number % 7
    return (time.thread_time_ns() - started) / turns


async def lua_loop_seconds(redis: Redis, turns: int) -> float:
    """Return the CPU time of the server's main thread for `turns` turns of an empty loop."""
    return await lua_seconds(redis, _LOOP, (), turns)


async def lua_seconds(redis: Redis, script: str, keys: Sequence[str], *arguments: int) -> float:
    """Return the CPU time of the server's main thread for a run of a script.

    Nothing else is in it: the figures before and after come from the same transaction.
    """
    pipe = redis.pipeline(transaction=True)
    pipe.info("cpu")
    pipe.eval(script, len(keys), *keys, *arguments)
    pipe.info("cpu")
    before, _, after = await pipe.execute()
    return _main_thread_seconds(after) - _main_thread_seconds(before)


def _main_thread_seconds(info: dict[str, float]) -> float:
    return float(info["used_cpu_user_main_thread"]) + float(info["used_cpu_sys_main_thread"])
