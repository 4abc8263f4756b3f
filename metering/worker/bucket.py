"""One bucket's life in a worker: claim, run in two stages, recover. Leaves reading the topics to `intake`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum

import structlog
from msgspec.structs import replace

from metering.contracts.entries import Position
from metering.contracts.topics import Topic
from metering.errors import NeedsOperator, Retryable
from metering.ledger.standstill import end_standstill, read_standstill
from metering.ledger.till import LedgerEnd, Till
from metering.observe.steps import Step
from metering.tasks import end_tasks, is_asked_to_end
from metering.worker.applying import AppliedBatch, Applier, BucketLost
from metering.worker.chunking import TakenChunk
from metering.worker.claiming import Claim, Claimed
from metering.worker.counting import Counts
from metering.worker.merging import InputQueue
from metering.worker.missing_records import find_missing, skip_missing
from metering.worker.parts import Parts
from metering.worker.publishing import Fenced, Publication, Publisher
from metering.worker.recovery import Recovery
from metering.worker.sending import Outbound, await_all, broker_errors
from metering.worker.standing import stand_still
from metering.worker.telling import Told
from metering.worker.waiting import AppliedQueue, next_publication_at

log = structlog.get_logger(__name__)

PAUSE_SECONDS_FIRST = 0.1
PAUSE_SECONDS_MAX = 5.0
"""Between two tries to claim: doubles up to this, so that a dependency that comes back is not stormed."""

FENCED_PAUSE_SECONDS = 1.0
"""After another worker was seen: time for the assignment to say whose bucket it is."""

PUBLISH_ENTRIES_MAX = 4_000
"""Entries of one publication: enough to make a transaction's fixed cost small, few enough for readers not to wait."""

PUBLISH_ENTRIES_ENOUGH = 1_000
"""So many go at once: more would make a transaction hardly cheaper an entry."""


class BucketState(StrEnum):
    """What a bucket is doing."""

    CLAIMING = "claiming"
    RESTORING = "restoring"
    RUNNING = "running"
    STOPPED = "stopped"


BEING_CLAIMED = (BucketState.CLAIMING, BucketState.RESTORING)


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
        self._till = Till(parts.scripts, number, parts.windows)
        self._stopping = False
        self._out_of_range = False
        self._skipped: TakenChunk | None = None
        self._stop_asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._claiming: asyncio.Task[Claimed] | None = None
        self._recovery = Recovery(number, parts)
        self._log = log.bind(bucket=number)

    def start(self) -> None:
        """Start to claim, in the background."""
        self._task = asyncio.create_task(self._run(), name=f"bucket-{self.number}")

    def note_out_of_range(self) -> None:
        """Note that the broker does not have the next record: the claim that follows finds out what is missing."""
        self.live = False
        self._out_of_range = True
        self.wake.set()

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
                    self._recovery.begin(cause)
                    claimed = await self._claim()
                    if claimed is None:
                        return
                    pause = PAUSE_SECONDS_FIRST
                    cause = await self._live_through(claimed)
                except Fenced:
                    cause = "fenced"
                    self._log.warning("bucket_fenced")
                    await self._sleep(FENCED_PAUSE_SECONDS)
                except (Retryable, asyncio.CancelledError) as error:
                    if is_asked_to_end():
                        raise
                    cause = "lost"
                    self._parts.metrics.errors.labels("retryable").inc()
                    why = str(error) or "the client of a server cancelled what it was asked"
                    self._log.warning("bucket_interrupted", why=why, pause_seconds=pause)
                    await self._sleep(pause)
                    pause = min(pause * 2, PAUSE_SECONDS_MAX)
                except Exception as error:  # noqa: BLE001  whatever broke: this bucket stops, the others go on
                    cause = "resumed"
                    self._enter(BucketState.STOPPED)
                    self._recovery.forget()
                    await stand_still(self.number, self._parts, error, self._stop_asked)
                finally:
                    self.live = False
        finally:
            self._recovery.forget()
            await self._publisher.stop()
            self._log.info("bucket_released")

    async def _claim(self) -> Claimed | None:
        """Claim, and publish first of all what Redis has and the ledger has not. None: stopped meanwhile."""
        standing = await read_standstill(self._parts.redis, self.number)
        if standing is not None and standing.accepted is None:
            why = f"stopped before, and not resumed since (`metering bucket resume`): {standing.why}"
            raise NeedsOperator(standing.reason, why)
        claim = Claim(self._parts, self._till, self._publisher, self._restoring)
        self._claiming = asyncio.create_task(claim.run(), name=f"bucket-{self.number}-claiming")
        try:
            claimed = await self._claiming
        except asyncio.CancelledError:
            if self._stopping:
                return None
            raise
        finally:
            self._claiming = None
        end = await self._publish_outbox(claimed)
        position = claimed.head.position
        missing = await find_missing(self._parts, self.number, position, look_at_end=self._out_of_range)
        self._skipped = skip_missing(self.number, position, missing, standing, self._parts.now_ms())
        self._out_of_range = False
        if standing is not None and self._skipped is None:
            await end_standstill(self._parts.redis, self.number)
        self._recovery.end(claimed)
        return Claimed(claimed.token, claimed.head, end, claimed.clock_ms, [], claimed.restored)

    def _restoring(self, end: LedgerEnd) -> None:
        self._enter(BucketState.RESTORING)
        self._recovery.restoring(end)

    async def _publish_outbox(self, claimed: Claimed) -> LedgerEnd:
        entries = [
            made for chunk in claimed.outbox for made in chunk.entries(self.number, after_seq=claimed.ledger.seq)
        ]
        if not entries:
            return claimed.ledger
        told = Told.of(entries)
        outbound = Outbound(self._parts.kafka, self._parts.producer, self.number)
        with broker_errors("decisions"):
            sent = await outbound.send_all(Topic.DECISIONS, told.asked_keys, told.decisions)
            await await_all([delivery for delivery, _ in sent])
        end = await self._publisher.publish(told.publication(claimed.head.position), claimed.ledger)
        self._parts.steps.reached(Step.OUTBOX_PUBLISHED, self.number)
        await self._till.trim(claimed.token, end)
        return end

    async def _live_through(self, claimed: Claimed) -> str:
        """Run both stages until one ends; return the cause of the next claim."""
        parts = self._parts
        batches = AppliedQueue(parts.shares.room)
        applier = Applier(self.number, self._parts, self._till, self.queue, self.wake, claimed)
        position = claimed.head.position if self._skipped is None else self._skipped.end
        self.queue.reset(position.usage, position.commands)
        self._go_live(self.number, position)
        self.live = True
        self._enter(BucketState.RUNNING)
        self._parts.steps.reached(Step.CLAIMED, self.number)
        applying = asyncio.create_task(self._apply_stage(applier, batches), name=f"bucket-{self.number}-applying")
        stage = self._publish_stage(claimed, batches)
        publishing = asyncio.create_task(stage, name=f"bucket-{self.number}-publishing")
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
            await applier.close()
            Counts.joined(batch.counts for batch in batches.leave()).count(parts.metrics)

    async def _apply_stage(self, applier: Applier, batches: AppliedQueue) -> str:
        """Take, price, apply, decide. Returns when the bucket is stopped or lost."""
        while not (stopping := self._stopping) or applier.is_ahead:
            skipped, self._skipped = self._skipped, None
            try:
                batch = await (applier.next_batch(is_last=stopping) if skipped is None else applier.skip(skipped))
            except BucketLost:
                return "lost"
            if skipped is not None:
                await end_standstill(self._parts.redis, self.number)
            if batch is not None:
                pressed = self._publisher.press(batch.publication)
                await batches.put(batch if pressed is batch.publication else replace(batch, publication=pressed))
            if self._out_of_range:
                raise Retryable("the broker does not have the next record")
        return "assigned"

    async def _publish_stage(self, claimed: Claimed, batches: AppliedQueue) -> None:
        """Publish what is applied: all that waits, up to a bound, at once. The first after a pause waits for no more.

        So a transaction is as large as the load makes it, and there are no more than seven small ones in a second.
        """
        end, loop = claimed.ledger, asyncio.get_running_loop()
        pause_until = 0.0
        while together := await batches.take(PUBLISH_ENTRIES_MAX, PUBLISH_ENTRIES_ENOUGH, pause_until):
            began = loop.time()
            end = await self._publish(claimed, together, end)
            batches.note_published(together)
            pause_until = next_publication_at(self.number, began, loop.time())

    async def _publish(self, claimed: Claimed, together: list[AppliedBatch], end: LedgerEnd) -> LedgerEnd:
        """1. Decisions acknowledged. 2. Publish. 3. Trim. A stop before 3 leaves the outbox longer than need be."""
        metrics = self._parts.metrics
        # First: what is applied has happened, whatever comes of publishing it.
        Counts.joined(batch.counts for batch in together).count(metrics)
        with broker_errors("decisions"):
            await await_all([delivery for batch in together for delivery in batch.decisions])
        self._parts.steps.reached(Step.DECISIONS_ACKNOWLEDGED, self.number)
        publication = Publication.joined([batch.publication for batch in together])
        started = time.monotonic()
        end = await self._publisher.publish(publication, end)
        metrics.publish_seconds.observe(time.monotonic() - started)
        metrics.batch_inputs.observe(sum(batch.inputs for batch in together))
        if publication.entries:
            await self._till.trim(claimed.token, end)
        self._parts.steps.reached(Step.TRIMMED, self.number)
        return end

    def _enter(self, state: BucketState) -> None:
        self.state = state
        for other in BucketState:
            self._parts.metrics.bucket_state.labels(str(self.number), other.value).set(int(other is state))

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop_asked.wait()
