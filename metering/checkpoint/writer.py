"""Keeps the books of one bucket: position, flushes, retries.

Leaves reading the topic to `service`, one flush to `flush`.

Opening, writing, then either opening again (another checkpointer had moved the position) or a pause (an entry
contradicts the books). Nothing is kept but the records that wait: whatever happens, the truth is the position row, and
reading goes on from there.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import structlog

from metering.checkpoint.backlog import Backlog, Bound
from metering.checkpoint.batch import Batch
from metering.checkpoint.continuity import ORIGIN, Verdict
from metering.checkpoint.database import BooksAway, Database
from metering.checkpoint.flush import flush
from metering.checkpoint.housekeeping import tidy
from metering.checkpoint.partitions import Partitions
from metering.checkpoint.positions import read_position
from metering.checkpoint.wallet_tails import RememberedTails
from metering.errors import BrokenInvariant
from metering.ledger.state import BucketPosition
from metering.ledger.till import Windows
from metering.observe.metrics import CheckpointerMetrics
from metering.observe.steps import NO_STEPS, Step, Steps
from metering.record_batches import Record

log = structlog.get_logger(__name__)

RETRY_SECONDS_FIRST = 0.1
RETRY_SECONDS_MAX = 15.0
"""Between tries while Postgres is away. The books are behind by this much more when it is back."""

STOPPED_SECONDS = 60.0
"""A bucket whose entries contradict the books is looked at again this often: once it is mended nobody has to restart
anything.
"""

TIDY_SECONDS = 30.0
"""Between two looks at what the window has left behind: it moves on by hours."""


class WriterState(StrEnum):
    """What a writer is at."""

    OPENING = "opening"
    WRITING = "writing"
    STOPPED = "stopped"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class FlushLimits:
    """When to write."""

    seconds: float = 1.0
    entries: int = 5_000


@dataclass(frozen=True, slots=True)
class Shared:
    """What the writers of one process have in common."""

    database: Database
    metrics: CheckpointerMetrics
    limits: FlushLimits
    windows: Windows
    bound: Bound
    partitions: Partitions
    turns: asyncio.Semaphore
    """Batches being made or written at a time: bounds their memory, since a batch takes several times its records."""
    steps: Steps = NO_STEPS
    """Is told how far each flush is; fault tests stop there."""


class _Lost(Exception):
    """Another checkpointer has moved the position."""


class Writer:
    """The books of one bucket. `seek` sets where reading goes on; it is called before the first record is accepted."""

    def __init__(self, bucket: int, shared: Shared, seek: Callable[[int], None]) -> None:
        self.bucket = bucket
        self.state = WriterState.OPENING
        self.backlog = Backlog(shared.bound)
        self.head: BucketPosition = ORIGIN
        self.ledger_offset = 0
        """Next record of the ledger to be read for the books: what is before it is in them."""
        self._tails = RememberedTails()
        self._shared = shared
        self._seek = seek
        self._closing = False
        self._woken = asyncio.Event()
        self._tidied_seconds = 0.0
        self._idle_since_seconds = time.monotonic()

    @property
    def age_seconds(self) -> float:
        """How long what was read waits for Postgres; where nothing is read, how long nothing has been written."""
        if self.state is WriterState.WRITING:
            return self.backlog.age_seconds
        return time.monotonic() - self._idle_since_seconds

    def put(self, records: Sequence[Record]) -> None:
        """Accept records of the ledger.

        Before the writer has opened, or when it has stopped, they are let go: they will be read again.
        """
        if self.state is not WriterState.WRITING or not records:
            return
        was_empty = not self.backlog
        self.backlog.put(records)
        if was_empty or len(self.backlog) >= self._shared.limits.entries:
            self._woken.set()

    def close(self) -> None:
        """Ask `run` to write what is there, once, and to end."""
        self._closing = True
        self._woken.set()

    async def run(self) -> None:
        """Keep the books until `close`.

        Cancelled at any point, what is not committed is read again by the next owner.
        """
        try:
            while not self._closing:
                try:
                    await self._open()
                    await self._write_until_closed()
                except _Lost:
                    self._shared.metrics.conflicts.inc()
                    log.warning("checkpoint_lost", bucket=self.bucket, seq=self.head.seq)
                except BrokenInvariant as error:
                    log.error("checkpoint_stopped", bucket=self.bucket, why=str(error))  # noqa: TRY400  the message says it all
                    await self._stop_for_a_while()
        finally:
            self.state = WriterState.CLOSED
            self.backlog.clear()

    async def _open(self) -> None:
        """Read the position and have reading go on there."""
        self._give_up_writing(WriterState.OPENING)
        retry_seconds = RETRY_SECONDS_FIRST
        while not self._closing:
            try:
                async with self._shared.database.connection() as connection:
                    found = await read_position(connection, self.bucket)
            except BooksAway as error:
                retry_seconds = await self._pause(error, retry_seconds)
                continue
            self.head = found.head if found else ORIGIN
            self.ledger_offset = found.ledger_offset if found else 0
            self._seek(self.ledger_offset)
            self.state = WriterState.WRITING
            self._shared.steps.reached(Step.BOOKS_OPENED, self.bucket)
            self._shared.metrics.seq.labels(str(self.bucket)).set(self.head.seq)
            log.info("checkpoint_opened", bucket=self.bucket, seq=self.head.seq, ledger_offset=self.ledger_offset)
            return

    async def _write_until_closed(self) -> None:
        retry_seconds = RETRY_SECONDS_FIRST
        while await self._wait_until_due():
            try:
                await self._write_once()
            except BooksAway as error:
                self._shared.partitions.forget()
                self._shared.metrics.flush_failures.inc()
                if self._closing:
                    return
                retry_seconds = await self._pause(error, retry_seconds)
            else:
                retry_seconds = RETRY_SECONDS_FIRST
                await self._tidy_when_due()

    async def _wait_until_due(self) -> bool:
        """Return True when there is something to write, False when there is not and the writer is closing."""
        limits = self._shared.limits
        while not self._closing:
            self._woken.clear()
            left_seconds = limits.seconds - self.backlog.age_seconds
            if len(self.backlog) >= limits.entries or (len(self.backlog) and left_seconds <= 0):
                return True
            await self._wait_for_news(left_seconds if len(self.backlog) else None)
        return len(self.backlog) > 0

    async def _write_once(self) -> None:
        """Write the oldest records.

        Raises `_Lost`, `BooksAway`, `BrokenInvariant`; then nothing was written, as far as anybody knows.
        """
        shared, metrics = self._shared, self._shared.metrics
        async with shared.turns, shared.database.connection() as connection:
            started, records = time.monotonic(), self.backlog.first(shared.limits.entries)
            batch = await flush(
                connection, self.bucket, self.head, records, shared.partitions, shared.steps, self._tails
            )
        if batch is None:
            raise _Lost
        self.backlog.take_out(len(records))
        self._count_dropped(batch)
        if batch.ledger_offset_next is not None:
            self.head, self.ledger_offset = batch.head, batch.ledger_offset_next
            metrics.flush_seconds.observe(time.monotonic() - started)
            metrics.flush_entries.observe(batch.entries)
            metrics.entries_written.inc(batch.entries)
            metrics.seq.labels(str(self.bucket)).set(self.head.seq)

    def _count_dropped(self, batch: Batch) -> None:
        for verdict, count in batch.dropped.items():
            self._shared.metrics.entries_dropped.labels(verdict.value).inc(count)
            if verdict is not Verdict.REPEAT:
                log.warning(
                    "records_dropped",
                    bucket=self.bucket,
                    reason=verdict.value,
                    count=count,
                    after_seq=self.head.seq,
                )

    async def _tidy_when_due(self) -> None:
        now = time.monotonic()
        if now - self._tidied_seconds < TIDY_SECONDS or self.head.seq == 0:
            return
        self._tidied_seconds = now
        try:
            async with self._shared.database.connection() as connection:
                await tidy(connection, self.bucket, self.head.clock_ms, self._shared.windows)
            self._shared.steps.reached(Step.TIDIED, self.bucket)
        except BooksAway as error:
            log.info("tidying_put_off", bucket=self.bucket, why=str(error))

    async def _stop_for_a_while(self) -> None:
        self._give_up_writing(WriterState.STOPPED)
        await self._sleep(STOPPED_SECONDS)

    def _give_up_writing(self, state: WriterState) -> None:
        if self.state is WriterState.WRITING:
            self._idle_since_seconds = time.monotonic()
        self.state = state
        self.backlog.clear()

    async def _pause(self, error: BooksAway, seconds: float) -> float:
        if seconds == RETRY_SECONDS_FIRST:  # once; it may go on for hours
            log.warning("books_away", bucket=self.bucket, why=str(error))
        await self._sleep(seconds * random.uniform(0.7, 1.0))  # noqa: S311  spread, not secrecy
        return min(seconds * 2, RETRY_SECONDS_MAX)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but not past `close`."""
        deadline = time.monotonic() + seconds
        while not self._closing and (left_seconds := deadline - time.monotonic()) > 0:
            self._woken.clear()
            await self._wait_for_news(left_seconds)

    async def _wait_for_news(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
