"""Closes the connections to brokers that aiokafka lets go of without closing them. Leaves all others to it.

It does so in three places. A client that is cancelled while it asks its first broker for the others forgets that
connection; its finalizer tells of it before it closes, and where warnings are errors never closes. And a connection of
which the other end is gone is forgotten, if another request comes before the reading task has noticed: then nobody
closes it, and the socket stays until the garbage is looked through. And a consumer that is stopped while it pauses
after a fetch that failed is not closed to its end: what it cancelled itself is raised into whoever stops it, who then
takes it for a cancellation of his own.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from aiokafka import conn
from aiokafka.consumer import consumer, fetcher


class _ClosingProtocol(conn.AIOKafkaProtocol):  # type: ignore[misc]  # aiokafka is not typed
    """Closes when the broker does: it will answer nothing that would still be written."""

    def eof_received(self) -> bool:
        super().eof_received()
        return False


class _EndingFetcher(fetcher.Fetcher):  # type: ignore[misc]  # as above
    """Ends what is under way before it closes, whatever that raises."""

    async def close(self) -> None:
        """Close. Interrupted, the connections stay open."""
        self._fetch_task.cancel()
        await asyncio.gather(self._fetch_task, return_exceptions=True)
        for fetch in self._pending_tasks:
            fetch.cancel()
        await asyncio.gather(*self._pending_tasks, return_exceptions=True)
        self._pending_tasks.clear()
        await super().close()


def _close_dropped(connection: Any) -> None:
    """Close a connection that nobody holds any more; without a word, since whoever let go of it knows."""
    # Its loop may be closed, and everything with it; or it was refused while it was made, and has nothing to close.
    with suppress(RuntimeError, AttributeError):
        connection.close()


def close_dropped_connections() -> None:
    """Have every client of this process do so."""
    conn.AIOKafkaProtocol = _ClosingProtocol
    conn.AIOKafkaConnection.__del__ = _close_dropped
    consumer.Fetcher = _EndingFetcher
