"""Puts our own connections to brokers in the place of aiokafka's, and ends a consumer's fetches before it closes.

A consumer that is stopped while it pauses after a fetch that failed is not closed to its end by aiokafka: what it
cancelled itself is raised into whoever stops it, who then takes it for a cancellation of his own.
"""

from __future__ import annotations

import asyncio

from aiokafka import conn
from aiokafka.consumer import consumer, fetcher

from metering.broker_connection import BrokerConnection, Frames


class _EndingFetcher(fetcher.Fetcher):  # type: ignore[misc]  # aiokafka is not typed
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


def use_own_connections() -> None:
    """Have every client of this process do so."""
    conn.AIOKafkaProtocol = Frames
    conn.AIOKafkaConnection = BrokerConnection
    consumer.Fetcher = _EndingFetcher
