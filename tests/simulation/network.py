"""Carries requests from a process to a server and answers back: late, or not at all.

Leaves what they do to the servers.

What was sent is under way by itself: it arrives even when its process has died meanwhile.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tests.simulation.loop import PROCESS, Killed, SimulatedLoop

T = TypeVar("T")

PATIENCE_SECONDS = 1.0
"""After this a client gives a request up."""


class Unanswered(Exception):
    """No answer came: nobody knows whether the request arrived."""


@dataclass
class Weather:
    """How bad the network is: the chance of each fate of a request, by server."""

    lost: dict[str, float] = field(default_factory=dict)
    """The request never arrives."""
    unanswered: dict[str, float] = field(default_factory=dict)
    """It arrives, its answer does not."""
    late: dict[str, float] = field(default_factory=dict)
    """It arrives after it was given up."""
    slow: dict[str, float] = field(default_factory=dict)
    """Request or answer takes up to a second."""
    down: set[str] = field(default_factory=set)
    """Servers that answer nobody."""

    def clear(self) -> None:
        """From now on all is well."""
        for chances in (self.lost, self.unanswered, self.late, self.slow):
            chances.clear()
        self.down.clear()


class Network:
    """The way from one process to the servers."""

    def __init__(self, loop: SimulatedLoop, rng: random.Random, weather: Weather) -> None:
        self._loop = loop
        self._rng = rng
        self._weather = weather

    async def call(self, server: str, work: Callable[[], T]) -> T:
        """Have `server` do `work` and return what it answers, its errors included. Raises `Unanswered`."""
        process = PROCESS.get()
        if process is not None and process.reaped:
            raise Killed
        answer: asyncio.Future[T] = self._loop.create_future()
        if process is not None and process.dead:
            return await answer  # it was killed a moment ago: nothing leaves it any more
        rng, weather = self._rng, self._weather
        draw = rng.random()
        lost = weather.lost.get(server, 0.0)
        unanswered = lost + weather.unanswered.get(server, 0.0)
        late = unanswered + weather.late.get(server, 0.0)
        way = self._delay(server)
        if draw < lost:
            self._give_up(answer)
        elif draw < unanswered:
            self._loop.later(way, self._arrive, server, work, None)
            self._give_up(answer)
        elif draw < late:
            self._loop.later(PATIENCE_SECONDS + 4 * rng.random(), self._arrive, server, work, None)
            self._give_up(answer)
        else:
            self._loop.later(way, self._arrive, server, work, answer)
        return await answer

    def send(self, server: str, work: Callable[[], object]) -> None:
        """Have `server` do something, sooner or later, that nobody waits for."""
        self._loop.later(self._delay(server), work)

    def _delay(self, server: str) -> float:
        rng = self._rng
        slow = rng.random() < self._weather.slow.get(server, 0.0)
        return rng.random() * (1.0 if slow else 0.004) + 0.0001

    def _give_up(self, answer: asyncio.Future[T]) -> None:
        self._loop.later(PATIENCE_SECONDS, _fail, answer, Unanswered())

    def _arrive(self, server: str, work: Callable[[], T], answer: asyncio.Future[T] | None) -> None:
        if server in self._weather.down:
            if answer is not None:
                self._give_up(answer)
            return
        try:
            result = work()
        except Exception as error:  # noqa: BLE001  it is what the server answers
            if answer is not None:
                self._loop.later(self._delay(server), _fail, answer, error)
            return
        if answer is not None:
            self._loop.later(self._delay(server), _give, answer, result)


def _give(answer: asyncio.Future[T], result: T) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: asyncio.Future[T], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
