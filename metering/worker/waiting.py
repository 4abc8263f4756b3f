"""Applied batches that wait for publishing. Leaves applying and publishing to the bucket's two stages."""

from __future__ import annotations

import asyncio
from collections import deque

from metering.worker.applying import AppliedBatch


class AppliedQueue:
    """The line between the two stages of a bucket: one puts, one takes.

    Bounded by its entries, not by its batches: under a light load batches are of a few events, and a slow transaction
    must not hold up the decisions of those that come meanwhile.
    """

    def __init__(self, entries_max: int) -> None:
        self._entries_max = entries_max
        self._batches: deque[AppliedBatch] = deque()
        self._entries = 0
        self._closed = False
        self._changed = asyncio.Event()

    async def put(self, batch: AppliedBatch) -> None:
        """Add a batch; waits until fewer entries wait than there may. Interrupted while it waits, it has not added."""
        while self._entries >= self._entries_max:
            self._changed.clear()
            await self._changed.wait()
        self._batches.append(batch)
        self._entries += _size(batch)
        self._changed.set()

    def close(self) -> None:
        """Say that no more comes."""
        self._closed = True
        self._changed.set()

    async def take(self, entries_max: int) -> list[AppliedBatch]:
        """Take what waits, batches of about `entries_max` entries at most, as soon as there is any.

        Returns none only when the queue is closed and empty.
        """
        while not self._batches and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        taken: list[AppliedBatch] = []
        entries = 0
        while self._batches and entries < entries_max:
            batch = self._batches.popleft()
            taken.append(batch)
            entries += _size(batch)
        self._entries -= entries
        self._changed.set()
        return taken


def _size(batch: AppliedBatch) -> int:
    """One more than its entries: a batch of dead letters alone has none, and takes room as well."""
    return len(batch.entries) + 1
