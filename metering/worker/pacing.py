"""Holds the next fetch back a little where the last one brought records: what comes meanwhile comes together.

Reaches below aiokafka's public interface, as `record_batches` does. Leaves fetching to the client.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher

from metering.errors import ensure

FETCH_PAUSE_SECONDS = 0.004
"""From an answer with records until its broker is asked again (docs/adr/0015-pause-between-fetches.md). A cycle of all
buckets costs worker, Redis and broker some milliseconds together, however few events are in it, and while the next one
begins in its middle each hop of an event waits for a core. A record that comes alone waits for nothing."""


def pace_fetches(consumer: AIOKafkaConsumer) -> None:
    """Have a started consumer pause between its fetches: to each broker, after each answer with records.

    What is paused counts as asked: where the assignment or a position changes meanwhile, the client drops the answer.
    """
    fetcher: Any = consumer._fetcher  # noqa: SLF001  see above
    fetch, loop = fetcher._proc_fetch_request, asyncio.get_running_loop()  # noqa: SLF001
    again_at: dict[int, float] = {}

    async def fetch_after_pause(assignment: Any, node_id: int, request: Any) -> bool:
        pause = again_at.get(node_id, 0.0) - loop.time()
        if pause > 0:
            try:
                await asyncio.sleep(pause)
            except asyncio.CancelledError:
                # As the client's own does: nobody wants the answer any more.
                return False
        has_records: bool = await fetch(assignment, node_id, request)
        if has_records:
            again_at[node_id] = loop.time() + FETCH_PAUSE_SECONDS
        return has_records

    fetcher._proc_fetch_request = fetch_after_pause  # noqa: SLF001


_KNOWN = ["self", "assignment", "node_id", "request"]
ensure(
    list(inspect.signature(Fetcher._proc_fetch_request).parameters) == _KNOWN,  # noqa: SLF001
    "aiokafka fetches in another way than the pinned version",
)
