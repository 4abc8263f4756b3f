"""One bucket's life in a worker: claim, run in two stages, recover. Leaves reading the topics to `intake`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum

import structlog

from metering.contracts.entries import Position
from metering.errors import BrokenInvariant, Retryable
from metering.ledger.made import EntryMade
from metering.ledger.standstill import Standstill, note_standstill, read_standstill
from metering.ledger.till import LedgerEnd, Till
from metering.observe.steps import Step
from metering.worker.applying import AppliedBatch, Applier, BucketLost
from metering.worker.claiming import Claim, Claimed
from metering.worker.merging import InputQueue
from metering.worker.outputs import Output, decision_of, side_outputs
from metering.worker.parts import Parts
from metering.worker.publishing import Fenced, Publication, Publisher
from metering.worker.sending import Outbound, await_all, broker_errors
from metering.worker.tasks import end_tasks
from metering.worker.waiting import AppliedQueue

log = structlog.get_logger(__name__)

PAUSE_SECONDS_FIRST = 0.1
PAUSE_SECONDS_MAX = 5.0
"""Between two tries to claim: doubles up to this, so that a dependency that comes back is not stormed."""

FENCED_PAUSE_SECONDS = 1.0
"""After another worker was seen: time for the assignment to say whose bucket it is."""

STANDSTILL_POLL_SECONDS = 1.0

PUBLISH_ENTRIES_MAX = 4_000
"""Entries of one publication: enough to make a transaction's fixed cost small, few enough for readers not to wait."""


class BucketState(StrEnum):
    """What a bucket is doing."""

    CLAIMING = "claiming"
    RUNNING = "running"
    STOPPED = "stopped"


class Bucket:
    """Runs one bucket until it is stopped. One error stops only it.

    `go_live(position)` is called when the bucket may take records: it moves the reading position there.
    """

    def __init__(
        self,
        number: int,
        parts: Parts,
        publisher: Publisher,
        go_live: Callable[[int, Position], None],
    ) -> None:
        self.number = number
        self.queue = InputQueue()
        self.wake = asyncio.Event()
        self.live = False
        self.state = BucketState.CLAIMING
        self._parts = parts
        self._publisher = publisher
        self._go_live = go_live
        self._till = Till(parts.redis, number, parts.windows)
        self._stopping = False
        self._stop_asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._claiming: asyncio.Task[Claimed] | None = None
        self._log = log.bind(bucket=number)

    def start(self) -> None:
        """Start to claim, in the background."""
        self._task = asyncio.create_task(self._run(), name=f"bucket-{self.number}")

    async def stop(self, patience_seconds: float) -> None:
        """Finish what is applied, publish it, and let go.

        After `patience_seconds` it is cut off: the next claim recovers.
        """
        self._stopping = True
        self._stop_asked.set()
        self.live = False
        self.wake.set()
        if self._claiming is not None:
            self._claiming.cancel()
        if self._task is None:
            return
        done, _ = await asyncio.wait([self._task], timeout=patience_seconds)
        if not done:
            self._log.warning("bucket_cut_off")
            await end_tasks(self._task)

    async def _run(self) -> None:
        cause, pause = "assigned", PAUSE_SECONDS_FIRST
        try:
            while not self._stopping:
                self._enter(BucketState.CLAIMING)
                try:
                    claimed = await self._claim(cause)
                    if claimed is None:
                        return
                    pause = PAUSE_SECONDS_FIRST
                    cause = await self._live_through(claimed)
                except Fenced:
                    cause = "fenced"
                    self._log.warning("bucket_fenced")
                    await self._sleep(FENCED_PAUSE_SECONDS)
                except Retryable as error:
                    cause = "lost"
                    self._parts.metrics.errors.labels("retryable").inc()
                    self._log.warning("bucket_interrupted", why=str(error), pause_seconds=pause)
                    await self._sleep(pause)
                    pause = min(pause * 2, PAUSE_SECONDS_MAX)
                except Exception as error:  # noqa: BLE001  whatever broke: this bucket stops, the others go on
                    cause = "resumed"
                    await self._stand_still(error)
                finally:
                    self.live = False
        finally:
            await self._publisher.stop()

    async def _claim(self, cause: str) -> Claimed | None:
        """Claim, and publish first of all what Redis has and the ledger has not. None: stopped meanwhile."""
        parts = self._parts
        started = time.monotonic()
        if await read_standstill(parts.redis, self.number) is not None:
            raise BrokenInvariant("the bucket was stopped before; `metering bucket resume` lets it go on")
        claim = Claim(parts, self._till, self._publisher)
        self._claiming = asyncio.create_task(claim.run())
        try:
            claimed = await self._claiming
        except asyncio.CancelledError:
            if self._stopping:
                return None
            raise
        finally:
            self._claiming = None
        end = await self._publish_outbox(claimed)
        how = "agreed" if claimed.restored is None else "restored"
        seconds = time.monotonic() - started
        parts.metrics.recoveries.labels(cause, how).inc()
        parts.metrics.recovery_seconds.labels(how).observe(seconds)
        self._log.info(
            "bucket_claimed",
            cause=cause,
            how=how,
            seq=claimed.head.seq,
            usage=claimed.head.position.usage,
            commands=claimed.head.position.commands,
            records_restored=claimed.restored or 0,
            chunks_published=len(claimed.outbox),
            seconds=round(seconds, 3),
        )
        return Claimed(claimed.token, claimed.head, end, claimed.clock_ms, [], claimed.restored)

    async def _publish_outbox(self, claimed: Claimed) -> LedgerEnd:
        entries = [
            made for chunk in claimed.outbox for made in chunk.entries(self.number, after_seq=claimed.ledger.seq)
        ]
        if not entries:
            return claimed.ledger
        outbound = Outbound(self._parts.kafka, self._parts.producer, self.number)
        with broker_errors("decisions"):
            await await_all(await outbound.send(_decisions(entries)))
        publication = Publication(entries, _sides(entries), claimed.head.position)
        end = await self._publisher.publish(publication, claimed.ledger)
        self._parts.steps.reached(Step.OUTBOX_PUBLISHED, self.number)
        await self._till.trim(claimed.token, end)
        return end

    async def _live_through(self, claimed: Claimed) -> str:
        """Run both stages until one ends; return the cause of the next claim."""
        parts = self._parts
        batches = AppliedQueue(parts.batches_waiting_max * parts.chunk_events_max)
        applier = Applier(self.number, self._parts, self._till, self.queue, self.wake, claimed)
        self.queue.reset(claimed.head.position.usage, claimed.head.position.commands)
        self._go_live(self.number, claimed.head.position)
        self.live = True
        self._enter(BucketState.RUNNING)
        self._parts.steps.reached(Step.CLAIMED, self.number)
        applying = asyncio.create_task(self._apply_stage(applier, batches))
        publishing = asyncio.create_task(self._publish_stage(claimed, batches))
        try:
            await asyncio.wait([applying, publishing], return_when=asyncio.FIRST_COMPLETED)
            if publishing.done():
                # Publishing ends first only by an error: what is in memory cannot be published, the outbox has it.
                publishing.result()
            # However applying ended: what is in memory has decisions that went out, so it is published first.
            self.live = False
            batches.close()
            await publishing
            return applying.result()
        finally:
            await end_tasks(applying, publishing)

    async def _apply_stage(self, applier: Applier, batches: AppliedQueue) -> str:
        """Take, price, apply, decide. Returns when the bucket is stopped or lost."""
        while not self._stopping:
            try:
                batch = await applier.next_batch()
            except BucketLost:
                return "lost"
            if batch is not None:
                await batches.put(batch)
        return "assigned"

    async def _publish_stage(self, claimed: Claimed, batches: AppliedQueue) -> None:
        """Publish what is applied: all that waits, up to a bound, at once."""
        end = claimed.ledger
        while together := await batches.take(PUBLISH_ENTRIES_MAX):
            end = await self._publish(claimed, together, end)

    async def _publish(self, claimed: Claimed, together: list[AppliedBatch], end: LedgerEnd) -> LedgerEnd:
        """1. Decisions acknowledged. 2. Publish. 3. Trim. A stop before 3 leaves the outbox longer than need be."""
        metrics = self._parts.metrics
        with broker_errors("decisions"):
            for batch in together:
                await await_all(batch.decisions)
        self._parts.steps.reached(Step.DECISIONS_ACKNOWLEDGED, self.number)
        entries = [made for batch in together for made in batch.entries]
        started = time.monotonic()
        end = await self._publisher.publish(Publication(entries, _sides(entries), together[-1].position), end)
        metrics.publish_seconds.observe(time.monotonic() - started)
        metrics.batch_inputs.observe(sum(batch.inputs for batch in together))
        if entries:
            await self._till.trim(claimed.token, end)
        self._parts.steps.reached(Step.TRIMMED, self.number)
        return end

    async def _stand_still(self, error: Exception) -> None:
        """Stop this bucket, keep why, and wait until an operator lets it go on."""
        self._enter(BucketState.STOPPED)
        self._parts.metrics.errors.labels("broken_invariant").inc()
        self._log.error("bucket_stopped", why=f"{type(error).__name__}: {error}", exc_info=error)
        known = False
        while not self._stopping:
            with suppress(Retryable):
                standing = await read_standstill(self._parts.redis, self.number)
                if standing is None and known:
                    self._log.info("bucket_resumed")
                    return
                if standing is None:
                    why = f"{type(error).__name__}: {error}"
                    await note_standstill(self._parts.redis, Standstill(self.number, self._parts.now_ms(), why))
                known = True
            await self._sleep(STANDSTILL_POLL_SECONDS)

    def _enter(self, state: BucketState) -> None:
        self.state = state
        for other in BucketState:
            self._parts.metrics.bucket_state.labels(str(self.number), other.value).set(int(other is state))

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop_asked.wait()


def _decisions(entries: list[EntryMade]) -> list[Output]:
    return [output for made in entries if (output := decision_of(made))]


def _sides(entries: list[EntryMade]) -> list[Output]:
    return [output for made in entries for output in side_outputs(made)]
