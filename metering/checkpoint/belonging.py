"""Rows that belong to others, read beside them in the same order. Leaves the order to the queries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

import asyncpg

Owner: TypeAlias = tuple[str, str]
"""Customer and wallet."""

owner_of = itemgetter(0, 1)
_rest_of = itemgetter(slice(2, None))


class Belonging:
    """Reads rows that begin with customer and wallet only as far as their owners have come.

    The order is Postgres' own, by whatever collation, so names are never compared here but for being the same.
    """

    def __init__(self, batches: AsyncIterator[list[asyncpg.Record]]) -> None:
        self._batches = batches
        self._waiting: dict[Owner, list[Sequence[Any]]] = {}
        self._newest: Owner | None = None
        self._ended = False

    async def of(self, owners: Sequence[Owner]) -> list[list[Sequence[Any]]]:
        """Return what belongs to each of the next owners, as tuples without the owner. What is beyond them waits."""
        while not self._ended and (self._newest is None or self._newest in owners):
            await self._read()
        waiting = self._waiting
        return [waiting.pop(owner) if owner in waiting else [] for owner in owners]

    async def is_used_up(self) -> bool:
        """Whether every row had an owner."""
        while not self._ended:
            await self._read()
        return not self._waiting

    async def _read(self) -> None:
        rows = await anext(self._batches, None)
        if rows is None:
            self._ended = True
            return
        waiting, newest = self._waiting, self._newest
        # The newest has not been asked for yet: `of` reads on while it is among those asked for.
        belongings = [] if newest is None else waiting[newest]
        for owner, rest in zip(map(owner_of, rows), map(_rest_of, rows), strict=True):
            if owner == newest:
                belongings.append(rest)
            else:
                waiting[owner] = belongings = [rest]
                newest = owner
        self._newest = newest
