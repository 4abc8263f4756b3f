"""The first stage of a bucket: take, price, apply, decide; probe and tick when idle.

Leaves publishing to the second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
import structlog
from msgspec import Struct

from metering.contracts.commands import Tick
from metering.contracts.topics import Topic
from metering.errors import Retryable, ensure
from metering.ledger.head import Head
from metering.ledger.identity import fresh_chunk_id
from metering.ledger.results import count_entries
from metering.ledger.till import Applied, Lost, Repeated, Stale, Till
from metering.observe.steps import Step
from metering.tasks import begun, end_tasks
from metering.worker.chunking import TakenChunk
from metering.worker.claiming import Claimed
from metering.worker.counting import Counts, Progress, count_taken
from metering.worker.dead_letter_limit import DeadLetterLimit
from metering.worker.merging import InputQueue
from metering.worker.outputs import Output
from metering.worker.parts import Parts
from metering.worker.preparing import Prepared, Preparer
from metering.worker.producers import Delivery
from metering.worker.publishing import Publication
from metering.worker.sending import Outbound, await_all, broker_errors
from metering.worker.telling import Told, tell_results

log = structlog.get_logger(__name__)

RETRY_SECONDS_FIRST = 0.05
RETRY_SECONDS_MAX = 2.0

TICK_PAUSE_SECONDS = 0.5
"""After a tick, before another: time for it to come back through the log."""

IDLE_SECONDS_MAX = 0.25
"""An idle bucket looks at its timers this often."""


class BucketLost(Exception):
    """Redis does not serve this owner any more: apply nothing new, finish publishing, claim."""


class AppliedBatch(Struct, frozen=True):
    """An applied chunk on its way to the ledger, with its decisions under way."""

    publication: Publication
    decisions: Sequence[Delivery]
    inputs: int
    counts: Counts


class Answered(Struct, frozen=True):
    """A chunk that is applied and not yet told of: where the bucket stands after it, and what tells what came of it."""

    taken: TakenChunk
    head: Head
    clock_ms: int
    tell: Callable[[], Told]


class Applier:
    """Applies the records of one claimed bucket in their order. `next_batch` does one step.

    Where the next chunk is prepared already, Redis is called for it before the last one's answer is told: one call at a
    time all the same.
    """

    def __init__(
        self, bucket: int, parts: Parts, till: Till, queue: InputQueue, wake: asyncio.Event, claimed: Claimed
    ) -> None:
        self._bucket = bucket
        self._parts = parts
        self._till = till
        self._queue = queue
        self._wake = wake
        self._token = claimed.token
        self._head = claimed.head
        self._clock_ms = claimed.clock_ms
        self._preparer = Preparer(bucket, parts, queue)
        self._ahead: asyncio.Task[Answered | None] | None = None
        """The call for the next chunk, where it was made before the last one was told of."""
        self._limit = DeadLetterLimit(parts.dead_letters_window_records, parts.dead_letters_share_max)
        self._outbound = Outbound(parts.kafka, parts.producer, bucket)
        self._loop = asyncio.get_running_loop()
        self._progress = Progress(parts.metrics, bucket, claimed.head.seq, claimed.head.position, claimed.clock_ms)
        self._steps = parts.steps
        self._clock_seen_at = self._loop.time()
        self._next_due_ms: int | None = None
        self._probe_at = 0.0
        self._tick_after = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        """Ends the wait of an idle bucket. When input does it stays and wakes in vain: one for each wait costs more."""

    @property
    def is_ahead(self) -> bool:
        """Whether Redis is called for a chunk that `next_batch` has not returned yet."""
        return self._ahead is not None

    async def next_batch(self, *, is_last: bool = False) -> AppliedBatch | None:
        """Apply the next chunk and send its decisions; None when there was none. No call goes ahead of the last.

        Raises `BucketLost`, `Retryable`, and before it has written anything `NeedsOperator` for too many dead letters.
        Interrupted after Redis has answered, the batch is in the outbox: the next claim publishes it. So is that of a
        call made ahead.
        """
        # Before the look, so that what comes during anything that is awaited from here on ends the wait in `_idle`.
        self._wake.clear()
        answered = await (self._ahead or self._apply_next())
        self._ahead = None
        if answered is None:
            if self._queue.peek() is None:
                await self._idle()
            return None
        if self._preparer.is_ready and not is_last:
            self._ahead = asyncio.create_task(self._apply_next(), name=f"bucket-{self._bucket}-call")
            await begun()
        return await self._tell(answered)

    async def _apply_next(self) -> Answered | None:
        prepared = await self._preparer.next(self._head.position, self._clock_ms)
        if prepared is None:
            return None
        taken = prepared.taken
        self._steps.reached(Step.TAKEN, self._bucket)
        self._limit.check(taken)
        await self._send_aside(taken)
        self._steps.reached(Step.SIDES_WRITTEN, self._bucket)
        answered = await self._apply(prepared)
        self._steps.reached(Step.APPLIED, self._bucket)
        return answered

    async def _tell(self, answered: Answered) -> AppliedBatch:
        taken, told = answered.taken, answered.tell()
        for customer in told.changed:
            self._preparer.forget(customer)
        decisions = await self._send_decisions(told)
        self._steps.reached(Step.DECISIONS_SENT, self._bucket)
        told.counts.count_unusual(self._parts.metrics)
        self._parts.metrics.chunk_inputs.observe(len(taken.inputs))
        self._progress.note(answered.head.seq, taken.end, answered.clock_ms)
        return AppliedBatch(told.publication(taken.end), decisions, taken.records, told.counts)

    async def skip(self, missing: TakenChunk) -> AppliedBatch:
        """Move the position past records that are missing, as past any dead letters. Raises as `next_batch` does."""
        in_force = await self._parts.rates.at(self._clock_ms)
        await self._send_aside(missing)
        return await self._tell(await self._apply(Prepared(missing, in_force.catalog)))

    async def _send_aside(self, taken: TakenChunk) -> None:
        """Write dead letters and forwarded records before the position moves past them: after it, nobody would."""
        if taken.sides:
            with broker_errors("dead letters"):
                await await_all(await self._outbound.send(taken.sides))
        count_taken(self._parts.metrics, taken)

    async def _apply(self, prepared: Prepared) -> Answered:
        metrics, preparer, taken = self._parts.metrics, self._preparer, prepared.taken
        pause = RETRY_SECONDS_FIRST
        while True:
            # Fresh for each try: a call that was given up may take effect late, on a Redis that has lost the one after
            # it, and two histories must never share a chunk id (the protocol's model has the trace).
            chunk_id = fresh_chunk_id()
            try:
                chunk = prepared.chunk or await preparer.price(prepared)
                self._steps.reached(Step.PRICED, self._bucket)
                started = time.monotonic()
                self._parts.shares.applying += 1
                try:
                    preparer.begin_ahead(taken)
                    answer = await self._till.apply(self._token, self._head, chunk_id, chunk)
                finally:
                    self._parts.shares.applying -= 1
                metrics.lua_seconds.observe(time.monotonic() - started)
            except Retryable as error:
                log.warning("apply_waits", bucket=self._bucket, why=str(error), pause_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_SECONDS_MAX)
                continue
            match answer:
                case Applied():
                    self._next_due_ms = answer.next_due_ms
                    before, results = self._head, answer.results
                    entries = count_entries(results)
                    head = Head(before.seq + entries, chunk_id if entries else before.chunk, taken.end)
                    return self._answered(
                        taken,
                        head,
                        partial(tell_results, self._bucket, before.seq + 1, chunk_id, before.chunk, results, chunk),
                    )
                case Repeated():
                    return self._take_repeated(answer, taken)
                case Stale():
                    metrics.stale_chunks.inc()
                    await preparer.settle()
                    preparer.forget(answer.customer)
                    prepared.chunk = None
                case Lost():
                    raise BucketLost

    def _take_repeated(self, answer: Repeated, taken: TakenChunk) -> Answered:
        """Take the entries whose answer was lost on the way from the outbox, as they were made then."""
        ensure(answer.head.position == taken.end, "the outbox goes further than the call whose answer was lost")
        made = [one for chunk in answer.outbox for one in chunk.entries(self._bucket, self._head.seq)]
        self._next_due_ms = None
        return self._answered(taken, answer.head, partial(Told.of, made))

    def _answered(self, taken: TakenChunk, head: Head, tell: Callable[[], Told]) -> Answered:
        """Stand where the bucket is after a chunk."""
        self._head = head
        if taken.inputs:
            self._clock_ms, self._clock_seen_at = taken.inputs[-1].clock_ms, self._loop.time()
        return Answered(taken, head, self._clock_ms, tell)

    async def close(self) -> None:
        """Give up what is prepared or called for and not told of: the next claim reads it again, or publishes it."""
        if self._ahead is not None:
            await end_tasks(self._ahead)
        await self._preparer.close()

    async def _send_decisions(self, told: Told) -> list[Delivery]:
        if not told.decisions:
            return []
        with broker_errors("decisions"):
            sent = await self._outbound.send_all(Topic.DECISIONS, told.asked_keys, told.decisions)
        asked_at = told.asked_at
        sent[-1][0].add_done_callback(lambda _: self._observe_latency(asked_at))
        return [delivery for delivery, _ in sent]

    def _observe_latency(self, asked_at: dict[int, int]) -> None:
        now_ms = self._parts.now_ms()
        seconds = [(max(0, now_ms - at) / 1_000, count) for at, count in asked_at.items()]
        self._parts.metrics.decision_seconds.observe_many(seconds)

    async def _idle(self) -> None:
        """Wait for input; meanwhile see to it that Redis is still there, and that timers run."""
        if self._loop.time() >= self._probe_at:
            await self._probe()
        await self._tick_if_due()
        if self._alarm is None:
            rings_at = min(self._loop.time() + IDLE_SECONDS_MAX, self._probe_at)
            self._alarm = self._loop.call_at(rings_at, self._ring)
        await self._wake.wait()

    def _ring(self) -> None:
        self._alarm = None
        self._wake.set()

    async def _probe(self) -> None:
        self._probe_at = self._loop.time() + self._parts.probe_seconds
        try:
            vitals = await self._till.probe(self._token, self._head)
        except Retryable as error:
            log.warning("probe_failed", bucket=self._bucket, why=str(error))
            return
        if isinstance(vitals, Lost):
            raise BucketLost
        self._next_due_ms = vitals.next_due_ms
        metrics, bucket = self._parts.metrics, str(self._bucket)
        metrics.holds_open.labels(bucket).set(vitals.charges_held)
        metrics.outbox.labels(bucket).set(vitals.outbox_chunks)
        metrics.blocks.labels(bucket, "sender").set(vitals.senders_blocked)

    def _present_ms(self) -> int:
        """Return what time it may be by the log; where this clock is behind, by what has passed since an input."""
        passed_ms = int((self._loop.time() - self._clock_seen_at) * 1_000)
        return max(self._parts.now_ms(), self._clock_ms + passed_ms)

    async def _tick_if_due(self) -> None:
        """Let the log's clock run when something is due and no input comes: only the log may say what time it is."""
        due = self._next_due_ms
        if due is None or due > self._present_ms() or not self._queue.is_idle:
            return
        if self._loop.time() < self._tick_after:
            return
        self._tick_after = self._loop.time() + TICK_PAUSE_SECONDS
        tick = Output(Topic.COMMANDS, None, msgspec.json.encode(Tick(due)))
        with broker_errors("a tick"):
            await await_all(await self._outbound.send([tick]))
        self._parts.metrics.ticks.inc()
