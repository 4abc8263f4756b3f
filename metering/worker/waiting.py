"""Applied batches that wait for publishing. Leaves applying and publishing to the bucket's two stages."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from math import ceil

from metering.worker.applying import AppliedBatch
from metering.worker.sharing import Room

ENTRIES_WAITING_MAX = 1_000
"""Of one bucket, beside those that are being published: what makes a transaction as cheap an entry as it gets. Where
others leave room, half of that: a bucket that alone has a backlog would else wait for each transaction's end."""

PUBLISH_PAUSE_SECONDS = 0.14
"""Between the beginnings of two small publications: one costs worker and broker some milliseconds however small it is,
and those who read entries read them for the books. Decisions are out before, and what answers somebody goes at once."""

PUBLISH_PAUSE_SECONDS_MAX = 0.17
PUBLISHING_PART = 4
"""A broker that takes long over a publication has enough to do: a bucket then asks for one a quarter of the time."""

SPREAD = (5**0.5 - 1) / 2
"""Multiples of the golden section lie far from each other in the unit interval, however many there are."""


def next_publication_at(bucket: int, began: float, ended: float) -> float:
    """Return when a bucket that published from `began` to `ended` may begin the next small publication (loop's time).

    Each bucket has moments of its own: buckets that are claimed together would publish together ever after, and hold
    up the decisions of the worker while they do.
    """
    pause = min(PUBLISHING_PART * (ended - began), PUBLISH_PAUSE_SECONDS_MAX)
    if pause > PUBLISH_PAUSE_SECONDS:
        return began + pause
    first = bucket * SPREAD % 1 * PUBLISH_PAUSE_SECONDS
    earliest = began + PUBLISH_PAUSE_SECONDS / 2
    return first + ceil((earliest - first) / PUBLISH_PAUSE_SECONDS) * PUBLISH_PAUSE_SECONDS


class AppliedQueue:
    """The line between the two stages of a bucket: one puts, one takes.

    Bounded by its entries, not by its batches: under a light load batches are of a few events, and a slow transaction
    must not hold up the decisions of those that come meanwhile. And by the room that all buckets of the worker share,
    in which those that are being published stay until they are: `leave` when nothing more of it is.
    """

    def __init__(self, room: Room, entries_max: int = ENTRIES_WAITING_MAX) -> None:
        self._room = room
        self._entries_max = entries_max
        self._batches: deque[AppliedBatch] = deque()
        self._entries = 0
        self._under_way = 0
        """Entries that wait or are being published."""
        self._awaited = False
        self._closed = False
        self._enough = 1
        """Entries that end the wait of who takes: nobody is woken in vain for each small batch."""
        self._changed = asyncio.Event()
        room.watch(self._changed)

    async def put(self, batch: AppliedBatch) -> None:
        """Add a batch; waits until fewer entries wait than there may. Interrupted while it waits, it has not added."""
        while self._entries >= max(self._entries_max, self._room.left // 2) or (self._under_way and self._room.is_full):
            self._changed.clear()
            await self._changed.wait()
        size = _size(batch)
        self._batches.append(batch)
        self._entries += size
        self._under_way += size
        self._room.add(size)
        self._awaited = self._awaited or batch.publication.is_awaited
        if self._awaited or self._entries >= self._enough:
            self._changed.set()

    def close(self) -> None:
        """Say that no more comes."""
        self._closed = True
        self._changed.set()

    async def take(self, entries_max: int, enough: int = 0, pause_until: float = 0.0) -> list[AppliedBatch]:
        """Take what waits, batches of about `entries_max` entries at most.

        As soon as there is any; but until the loop's time `pause_until` only when there are `enough` entries, when
        somebody waits for an answer among them, when the room is full, or when the queue is closed. Returns none only
        when it is closed and empty.
        """
        self._enough = 1
        while not self._batches and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        if asyncio.get_running_loop().time() < pause_until:
            self._enough = min(enough, self._entries_max)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(pause_until):
                    while not (self._entries >= self._enough or self._awaited or self._closed or self._room.is_full):
                        self._changed.clear()
                        await self._changed.wait()
        taken: list[AppliedBatch] = []
        entries = 0
        while self._batches and entries < entries_max:
            batch = self._batches.popleft()
            taken.append(batch)
            entries += _size(batch)
        self._entries -= entries
        self._awaited = any(batch.publication.is_awaited for batch in self._batches)
        self._changed.set()
        return taken

    def note_published(self, batches: Sequence[AppliedBatch]) -> None:
        """Give the room of batches that were taken to others."""
        self._give_back(sum(map(_size, batches)))
        self._changed.set()

    def leave(self) -> list[AppliedBatch]:
        """Give all room back, whatever has become of what took it; return what nobody has taken."""
        self._room.unwatch(self._changed)
        self._give_back(self._under_way)
        return list(self._batches)

    def _give_back(self, entries: int) -> None:
        self._under_way -= entries
        self._room.add(-entries)


def _size(batch: AppliedBatch) -> int:
    """One more than its entries: a batch of dead letters alone has none, and takes room as well."""
    return batch.publication.entries + 1
