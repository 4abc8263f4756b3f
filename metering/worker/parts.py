"""What the buckets of one worker share. Put together in one place, `service`; nothing here is global."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer
from redis.asyncio import Redis

from metering.checkpoint.books import Books
from metering.ledger.functions import ScriptCaller
from metering.ledger.till import Windows
from metering.observe.metrics import WorkerMetrics
from metering.observe.steps import NO_STEPS, Steps
from metering.worker.kafka import Kafka
from metering.worker.producers import SharedProducer
from metering.worker.rates_follower import RatesFollower
from metering.worker.sharing import Shares


def wall_clock_ms() -> int:
    """Return the machine's clock: Unix milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Parts:
    """The worker's connections and bounds. Pauses and patience are measured by the event loop's clock."""

    kafka: Kafka
    redis: Redis
    scripts: ScriptCaller
    """Runs the scripts of all buckets, and joins calls that are made at the same moment."""
    books: Books
    consumer: AIOKafkaConsumer
    producer: SharedProducer
    """Outside transactions: decisions, ticks, and everything on a broker without transactions."""
    rates: RatesFollower
    windows: Windows
    metrics: WorkerMetrics
    partitions: int
    chunk_events_max: int
    shares: Shares
    """What the buckets may hold together."""
    dead_letters_window_records: int
    dead_letters_share_max: float
    probe_seconds: float
    now_ms: Callable[[], int] = wall_clock_ms
    """The machine's clock, which only says when a timer is due and which stamps are impossible: the log judges."""
    steps: Steps = NO_STEPS
    """Is told how far each batch is; fault tests stop there."""
