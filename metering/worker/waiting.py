"""Applied batches that wait for publishing. Leaves applying and publishing to the bucket's two stages."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from math import ceil

from metering.worker.applying import AppliedBatch

PUBLISH_PAUSE_SECONDS = 0.15
"""Between the beginnings of two small publications: one costs worker and broker some milliseconds however small it is,
and those who read entries read them for the books. Decisions are out before, and what answers somebody goes at once."""

PUBLISH_PAUSE_SECONDS_MAX = 0.25
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
    must not hold up the decisions of those that come meanwhile.
    """

    def __init__(self, entries_max: int) -> None:
        self._entries_max = entries_max
        self._batches: deque[AppliedBatch] = deque()
        self._entries = 0
        self._awaited = False
        self._closed = False
        self._enough = 1
        """Entries that end the wait of who takes: nobody is woken in vain for each small batch."""
        self._changed = asyncio.Event()

    async def put(self, batch: AppliedBatch) -> None:
        """Add a batch; waits until fewer entries wait than there may. Interrupted while it waits, it has not added."""
        while self._entries >= self._entries_max:
            self._changed.clear()
            await self._changed.wait()
        self._batches.append(batch)
        self._entries += _size(batch)
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
        somebody waits for an answer among them, or when the queue is closed. Returns none only when it is closed and
        empty.
        """
        self._enough = 1
        while not self._batches and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        if asyncio.get_running_loop().time() < pause_until:
            self._enough = min(enough, self._entries_max)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(pause_until):
                    while self._entries < self._enough and not self._awaited and not self._closed:
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


def _size(batch: AppliedBatch) -> int:
    """One more than its entries: a batch of dead letters alone has none, and takes room as well."""
    return len(batch.publication.values) + 1
