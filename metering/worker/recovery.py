"""Tells of a bucket's recoveries: when one starts and why, how long it took, what came back.

Leaves doing it to `bucket`.
"""

from __future__ import annotations

import time

import structlog

from metering.ledger.till import LedgerEnd
from metering.worker.claiming import Claimed
from metering.worker.parts import Parts

log = structlog.get_logger(__name__)


class Recovery:
    """From the cause until the bucket runs, over as many tries as it takes: the first one's cause and start count."""

    def __init__(self, bucket: int, parts: Parts) -> None:
        self._now_ms = parts.now_ms
        self._metrics = parts.metrics
        self._since = parts.metrics.recovery_started.labels(str(bucket))
        self._log = log.bind(bucket=bucket)
        self._cause: str | None = None
        self._started = 0.0
        self._tries = 0

    def begin(self, cause: str) -> None:
        """Tell that it starts; of the next try of one under way, only that it is one."""
        self._tries += 1
        if self._cause is not None:
            self._log.info("bucket_claim_tried_again", cause=self._cause, tried_because=cause, tries=self._tries)
            return
        self._cause, self._started = cause, time.monotonic()
        self._since.set(self._now_ms() / 1_000)
        self._log.info("bucket_claim_started", cause=cause)

    def restoring(self, end: LedgerEnd) -> None:
        """Tell that Redis does not have what the ledger says, and is to be loaded from the books."""
        self._log.info("bucket_restore_started", cause=self._cause, ledger_seq=end.seq)

    def end(self, claimed: Claimed) -> None:
        """Tell how long it took and what was restored."""
        if self._cause is None:
            return
        how = "agreed" if claimed.restored is None else "restored"
        seconds = time.monotonic() - self._started
        self._metrics.recoveries.labels(self._cause, how).inc()
        self._metrics.recovery_seconds.labels(how).observe(seconds)
        self._metrics.recovery_records.inc(claimed.restored or 0)
        self._log.info(
            "bucket_claimed",
            cause=self._cause,
            how=how,
            seq=claimed.head.seq,
            usage=claimed.head.position.usage,
            commands=claimed.head.position.commands,
            records_restored=claimed.restored or 0,
            chunks_published=len(claimed.outbox),
            seconds=round(seconds, 3),
            tries=self._tries,
        )
        self.forget()

    def forget(self) -> None:
        """None is under way any more: it has ended, or the bucket stands still or has gone."""
        self._cause, self._tries = None, 0
        self._since.set(0)
