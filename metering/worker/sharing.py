"""What the buckets of one worker may hold together, so that its memory does not grow with their number.

Leaves holding it to who holds it: `intake` what is read, `waiting` what is applied, `customers` their settings.
"""

from __future__ import annotations

import asyncio

CUSTOMERS_MAX = 32_768
"""Customers of a worker whose settings are kept, some 10 MB. Twice as many spare a tenth of the events of a million
customers their reading, a hundredth of what such an event costs."""

CUSTOMERS_OF_ONE_MIN = 1_024
"""Of one bucket, however many there are: a chunk or two, with whom most events are about."""

EVENTS_OF_ONE_MIN = 100
"""Of one bucket, however many there are. Chunks of fewer cost Redis half as much again an event."""


class Shares:
    """An equal share for each bucket of the worker, of what is read and not yet applied and of customers kept.

    The intake sets `buckets`, how many there are, and `hindmost`, that of which most is left to apply. `applying` is
    how many chunks are with Redis.
    """

    def __init__(self, events_max: int, customers_max: int = CUSTOMERS_MAX) -> None:
        self.buckets = 1
        self.hindmost: int | None = None
        self.applying = 0
        self.room = Room(max(1, events_max // 2))
        """For what is applied and not yet published: an entry is three times an event."""
        self._events_max, self._customers_max = events_max, customers_max

    @property
    def events(self) -> int:
        """How many events a bucket may have read and not yet applied, and most of one chunk."""
        return max(min(EVENTS_OF_ONE_MIN, self._events_max), self._events_max // max(1, self.buckets))

    def events_beside(self, others: int) -> int:
        """How many events a bucket may have read and not yet applied, where the other buckets have read `others`.

        Twice its share of what they leave, at least its share: a bucket that alone has a backlog would else wait for
        what is read.
        """
        beside = 2 * (self._events_max - others) // max(1, self.buckets)
        return max(self.events, min(beside, self._events_max))

    @property
    def customers(self) -> int:
        """How many customers a bucket may keep."""
        least = min(CUSTOMERS_OF_ONE_MIN, self._customers_max)
        return max(least, self._customers_max // max(1, self.buckets))


class Room:
    """Room for the entries that are applied and not yet published, of all buckets of a worker.

    A bucket takes of it what it needs, since the busy one needs what idle ones do not. One that has none under way may
    always begin, however full it is: a bucket whose broker does not answer must not hold up the others for good.
    """

    def __init__(self, entries_max: int) -> None:
        self._entries_max = entries_max
        self._entries = 0
        # In the order in which they came, not a set: the same run wakes them in the same order.
        self._watching: dict[asyncio.Event, None] = {}

    @property
    def is_full(self) -> bool:
        """Whether who has something under way has to wait."""
        return self.left == 0

    @property
    def left(self) -> int:
        """How many more entries there is room for."""
        return max(0, self._entries_max - self._entries)

    def watch(self, event: asyncio.Event) -> None:
        """Set `event` whenever the room has become full, or is full no more."""
        self._watching[event] = None

    def unwatch(self, event: asyncio.Event) -> None:
        """Tell it no more."""
        self._watching.pop(event, None)

    def add(self, entries: int) -> None:
        """Note that there are so many more, or fewer."""
        was_full = self.is_full
        self._entries += entries
        if self.is_full != was_full:
            for event in self._watching:
                event.set()
