"""A bucket that stands still: says why, keeps it where operators look, and waits for their word.

Leaves stopping to `bucket`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from metering.errors import NeedsOperator, Retryable
from metering.ledger.standstill import Standstill, note_standstill, read_standstill
from metering.worker.missing_records import RecordsMissing
from metering.worker.parts import Parts

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0


async def stand_still(bucket: int, parts: Parts, error: Exception, stop_asked: asyncio.Event) -> None:
    """Tell why a bucket stops, and return when it shall go on: when an operator has said so, or the worker stops.

    Without Redis it stands all the same, and notes why as soon as it can. Interrupted, the next claim finds the note.
    """
    if isinstance(error, NeedsOperator):
        reason, why = error.reason, str(error)
        log.error("bucket_stopped", bucket=bucket, reason=reason, why=why)
    else:
        reason, why = "broken_invariant", f"{type(error).__name__}: {error}"
        parts.metrics.errors.labels(reason).inc()
        log.error("bucket_stopped", bucket=bucket, reason=reason, why=why, exc_info=error)
    parts.metrics.bucket_stops.labels(reason).inc()
    missing = error.missing if isinstance(error, RecordsMissing) else ()
    noted = False
    while not stop_asked.is_set():
        with suppress(Retryable):
            standing = await read_standstill(parts.redis, bucket)
            goes_on = standing is None or standing.accepted is not None
            if noted and goes_on:
                log.info("bucket_resumed", bucket=bucket)
                return
            if goes_on:
                await note_standstill(parts.redis, Standstill(bucket, parts.now_ms(), why, reason, missing))
            noted = True
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await stop_asked.wait()
