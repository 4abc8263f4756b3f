"""What the buckets of one worker share. Put together in one place, `service`; nothing here is global."""

from __future__ import annotations

from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from redis.asyncio import Redis

from metering.checkpoint.books import Books
from metering.ledger.till import Windows
from metering.observe.metrics import WorkerMetrics
from metering.worker.kafka import Kafka
from metering.worker.rates_follower import RatesFollower


@dataclass(frozen=True, slots=True)
class Parts:
    """The worker's connections and bounds."""

    kafka: Kafka
    redis: Redis
    books: Books
    consumer: AIOKafkaConsumer
    producer: AIOKafkaProducer
    """Outside transactions: decisions, ticks, and everything on a broker without transactions."""
    rates: RatesFollower
    windows: Windows
    metrics: WorkerMetrics
    partitions: int
    chunk_events_max: int
    batches_waiting_max: int
    """Applied chunks that may wait for publishing; then applying waits."""
    probe_seconds: float
