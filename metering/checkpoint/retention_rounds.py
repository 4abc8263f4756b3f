"""The checkpointer's rounds of putting days away: their connection, log and metrics. Leaves a day to `retention`."""

from __future__ import annotations

import time

import structlog

from metering.checkpoint.database import BooksAway, Database
from metering.checkpoint.retention import put_away_next, read_status
from metering.errors import BrokenInvariant
from metering.ledger.till import Windows
from metering.observe.metrics import CheckpointerMetrics

log = structlog.get_logger(__name__)

COMMAND_SECONDS_MAX = 3_600.0
"""Adding up a day of a hundred million entries takes minutes."""


class Retention:
    """Puts away what is past the retention. Use it within one event loop; `close` ends its connection."""

    def __init__(self, dsn: str, retention_days: int | None, windows: Windows, metrics: CheckpointerMetrics) -> None:
        self._database = Database(dsn, connections_max=1, command_seconds_max=COMMAND_SECONDS_MAX)
        self._retention_days = retention_days
        self._windows = windows
        self._metrics = metrics

    async def run(self) -> None:
        """Put away day by day until none is left that can be. What fails is told, and left to the next round.

        Interrupted at any point a day is there, or put away whole.
        """
        if self._retention_days is None:
            return
        try:
            while await self._put_away_one(self._retention_days):
                pass
            status = await read_status(self._database, self._retention_days)
            self._metrics.days_due.set(len(status.days_due))
        except BooksAway as error:
            log.info("retention_put_off", why=str(error))
        except BrokenInvariant as error:
            self._metrics.retention_failures.inc()
            log.error("retention_stopped", why=str(error))  # noqa: TRY400  the message says it all

    async def _put_away_one(self, retention_days: int) -> bool:
        started = time.monotonic()
        found = await put_away_next(self._database, retention_days, self._windows)
        if found is None:
            return False
        self._metrics.days_put_away.inc(found.is_whole)
        seconds = round(time.monotonic() - started, 3)
        log.info(
            "day_put_away",
            day=found.day,
            entries=found.entries,
            wallets=found.wallets,
            is_whole=found.is_whole,
            seconds=seconds,
        )
        return True

    async def close(self) -> None:
        """End the connection; what is in a transaction is rolled back."""
        await self._database.close()
