"""Follows the topic `rates` for a worker, so that no bucket prices past a switch that it does not know of.

Leaves what is in force to `rates`.
"""

from __future__ import annotations

import asyncio
import time

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from metering.contracts.topics import Topic
from metering.errors import Retryable
from metering.observe.metrics import WorkerMetrics
from metering.rating import Catalog
from metering.tasks import end_tasks
from metering.worker.kafka import Kafka
from metering.worker.rates import InForce, Rates, Skipped
from metering.worker.rates_timeline import Publication

log = structlog.get_logger(__name__)

POLL_MS = 500
RETRY_SECONDS = 1.0

READ_AGE_SECONDS_MAX = 20.0
"""A bucket waits when the topic's end was last seen longer ago than this.

A version comes into force 60 s or more after it was written. The answer that showed the end was asked for at most 10 s
before it came (the client's limit), so what was written unseen is younger than 30 s and not in force for 30 s more:
that is how far the clocks of two brokers may differ.
"""

START_SECONDS_MAX = 30.0
WAIT_SECONDS_MAX = 5.0


class RatesFollower:
    """Reads the topic from its beginning, without a group, for as long as the worker lives."""

    def __init__(self, kafka: Kafka, base: Catalog, metrics: WorkerMetrics) -> None:
        self._metrics = metrics
        self._rates = Rates(kafka, base, self._note_skipped, self._note_loaded)
        self._partition = TopicPartition(kafka.topic(Topic.RATES), 0)
        self._consumer: AIOKafkaConsumer = kafka.rates_consumer()
        self._task: asyncio.Task[None] | None = None
        self._end_seen = asyncio.Event()
        self._end_seen_at = 0.0
        self._polled_ms: int | None = None
        self._in_use: str | None = None
        self._newest_ms = -1

    async def start(self) -> None:
        """Read to the topic's end, and go on reading. Raises `Retryable` when the end does not come."""
        try:
            await self._consumer.start()
        except KafkaError as error:
            raise Retryable(f"{self._partition.topic} could not be read: {error}") from error
        self._consumer.assign([self._partition])
        self._consumer.seek(self._partition, 0)
        self._task = asyncio.create_task(self._follow(), name="rates")
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                await self._end_seen.wait()
        except TimeoutError:
            raise Retryable(
                f"the end of {self._partition.topic} was not reached in {START_SECONDS_MAX:.0f} s"
            ) from None

    async def stop(self) -> None:
        """Stop reading."""
        if self._task is not None:
            await end_tasks(self._task)
        await self._consumer.stop()

    @property
    def read_age_seconds(self) -> float:
        """How long ago the topic's end was last seen."""
        return time.monotonic() - self._end_seen_at

    async def at(self, clock_ms: int) -> InForce:
        """Return what is in force at a bucket's `clock_ms`. Raises `Retryable` where the topic cannot be read.

        Waits first where the end of the topic has not been seen of late: what is in force could not be told.
        """
        if self.read_age_seconds > READ_AGE_SECONDS_MAX:
            await self._wait_end()
        in_force = await self._rates.at(clock_ms)
        if clock_ms >= self._newest_ms:
            self._newest_ms = clock_ms
            self._note_used(in_force)
        return in_force

    async def _wait_end(self) -> None:
        self._end_seen.clear()
        try:
            async with asyncio.timeout(WAIT_SECONDS_MAX):
                await self._end_seen.wait()
        except TimeoutError:
            raise Retryable(
                f"{self._partition.topic} was last read {self.read_age_seconds:.0f} s ago: no input can be priced until"
                " its end is seen"
            ) from None

    async def _follow(self) -> None:
        while True:
            try:
                await self._step()
            except (KafkaError, Retryable, OSError) as error:
                log.warning("rates_reading_waits", why=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def _step(self) -> None:
        """Take in what is there; load what comes into force next before it does."""
        read = await self._consumer.getmany(self._partition, timeout_ms=POLL_MS)
        now_ms = time.time_ns() // 1_000_000
        fresh: list[Publication] = []
        for record in read.get(self._partition, ()):
            publication = self._rates.note(record)
            if publication is not None and publication.manifest.active_from_ms > now_ms:
                fresh.append(publication)
                log.info(
                    "rates_published",
                    version=publication.manifest.version,
                    active_from_ms=publication.manifest.active_from_ms,
                )
        await self._note_end()
        for publication in fresh:
            # Now, not when it is due: so that the log says early which one cannot be read.
            await self._rates.load(publication)
        upcoming = self._rates.timeline.after(now_ms)
        self._metrics.rates_next_activation.set(upcoming[0].manifest.active_from_ms / 1_000 if upcoming else 0)
        if upcoming and not self._rates.is_loaded(upcoming[0]):
            await self._rates.load(upcoming[0])

    async def _note_end(self) -> None:
        """Note when a fetch has shown that there is nothing more. Only a new answer of the broker counts."""
        polled_ms = self._consumer.last_poll_timestamp(self._partition)
        end = self._consumer.highwater(self._partition)
        if end is not None and polled_ms != self._polled_ms and await self._consumer.position(self._partition) >= end:
            self._polled_ms = polled_ms
            self._end_seen_at = time.monotonic()
            self._end_seen.set()
        self._metrics.rates_read_age.set(self.read_age_seconds)

    def _note_used(self, in_force: InForce) -> None:
        version = in_force.catalog.version
        if version == self._in_use:
            return
        if self._in_use is not None:
            self._metrics.rates.remove(self._in_use)
            log.info("rates_switched", version=version, before=self._in_use, active_from_ms=in_force.from_ms)
        self._metrics.rates.labels(version).set(1)
        self._in_use = version

    def _note_skipped(self, skipped: Skipped) -> None:
        self._metrics.rates_skipped.labels(skipped.reason).inc()
        log.error(
            "rates_skipped",
            publication=skipped.publication,
            reason=skipped.reason,
            detail=skipped.detail,
            advice=skipped.advice,
        )

    def _note_loaded(self, version: str, seconds: float) -> None:
        self._metrics.rates_load_seconds.observe(seconds)
        log.info("rates_loaded", version=version, seconds=round(seconds, 3))
