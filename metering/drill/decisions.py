"""Knows how long each bucket has not decided. Leaves asking to whoever sends the events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from metering.contracts.topics import Topic
from metering.errors import Retryable
from metering.settings import KafkaSettings

POLL_MS = 100
AWAY_SECONDS = 0.2
FLOW_SECONDS_MAX = 180.0


class _Told(msgspec.Struct):
    """What is looked at of a decision."""

    event_id: str


_decode = msgspec.json.Decoder(_Told).decode


class DecisionWatch:
    """Hears the decisions of some buckets. `longest_seconds` is the longest that one of them took."""

    def __init__(self, kafka: KafkaSettings, buckets: Iterable[int]) -> None:
        self.longest_seconds = 0.0
        self._kafka = kafka
        self._asked: dict[str, float] = {}
        self._answered = dict.fromkeys(buckets, 0.0)

    def note_asked(self, event_id: str) -> None:
        """Note that an event asks now."""
        self._asked[event_id] = time.monotonic()

    async def listen(self) -> None:
        """Hear decisions from now on, until cancelled. A broker that is away is asked again."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._kafka.bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            fetch_max_wait_ms=POLL_MS,
        )
        await consumer.start()
        try:
            consumer.assign([TopicPartition(f"{self._kafka.topic_prefix}{Topic.DECISIONS}", n) for n in self._answered])
            while True:
                try:
                    read = await consumer.getmany(timeout_ms=POLL_MS)
                except KafkaError:
                    await asyncio.sleep(AWAY_SECONDS)
                    continue
                for partition, records in read.items():
                    for record in records:
                        self._hear(partition.partition, record.value or b"")
        finally:
            await consumer.stop()

    async def flowing(self, since: float) -> float:
        """Wait until every bucket has decided something that was asked after `since` (monotonic); return the seconds.

        Raises `Retryable` when one does not within three minutes.
        """
        while time.monotonic() - since < FLOW_SECONDS_MAX:
            if all(asked > since for asked in self._answered.values()):
                return round(time.monotonic() - since, 2)
            await asyncio.sleep(0.02)
        silent = sorted(bucket for bucket, asked in self._answered.items() if asked <= since)
        raise Retryable(f"no decisions of buckets {silent} for {FLOW_SECONDS_MAX:.0f} s")

    def _hear(self, bucket: int, value: bytes) -> None:
        asked = self._asked.pop(_decode(value).event_id, None)
        if asked is not None:
            self._answered[bucket] = max(self._answered[bucket], asked)
            self.longest_seconds = max(self.longest_seconds, time.monotonic() - asked)
