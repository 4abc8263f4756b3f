"""Writes versions of the rates to their topic. Leaves checking files to `rating`, and following to `rates_follower`."""

from __future__ import annotations

import time

from aiokafka import AIOKafkaProducer
from msgspec import Struct

from metering.contracts.rates import (
    LEAD_MS,
    RatesManifest,
    encode_manifest,
    manifest_key,
    part_key,
)
from metering.contracts.topics import Topic
from metering.errors import MeteringError
from metering.rating import Packed
from metering.worker.kafka import Kafka
from metering.worker.rates import Rates
from metering.worker.rates_timeline import Publication
from metering.worker.sending import broker_errors

ALLOWANCE_MS = 5_000
"""Added to a moment given as "in so many seconds": what writing and another clock may take of the lead."""


class TooSoon(MeteringError):
    """A version comes into force at least 60 s after it is published, so that every worker knows it by then."""


class Published(Struct, frozen=True):
    """What a publication came to. `written` False: it was there already, and nothing was sent."""

    version: str
    active_from_ms: int
    published_at_ms: int
    parts: int
    packed_bytes: int
    written: bool


class RatesPublisher:
    """Publishes versions onto what `rates` has read of the topic."""

    def __init__(self, kafka: Kafka, producer: AIOKafkaProducer, rates: Rates) -> None:
        self._topic = kafka.topic(Topic.RATES)
        self._producer = producer
        self._rates = rates

    async def publish(self, version: str, packed: Packed, active_from_ms: int) -> Published:
        """Put `version` in force at `active_from_ms`. Raises `TooSoon`, and `Retryable` without a broker.

        1. The parts, awaited. 2. The manifest, which completes them. Interrupted before 2 has been written, nothing
        comes into force: parts without a manifest count for nothing, and the same call writes them again. Called again
        after 2, it finds the version in force at that moment, and writes nothing.
        """
        manifest = RatesManifest(
            version=version,
            active_from_ms=active_from_ms,
            digest=packed.digest,
            parts=len(packed.parts),
            packed_bytes=packed.packed_bytes,
            files_bytes=packed.files_bytes,
        )
        return await self._publish(manifest, packed.parts)

    async def publish_again(self, before: Publication, active_from_ms: int) -> Published:
        """Put a version that was published before in force once more: its parts are there. Raises as `publish` does."""
        known = before.manifest
        manifest = RatesManifest(
            version=known.version,
            active_from_ms=active_from_ms,
            digest=known.digest,
            parts=known.parts,
            packed_bytes=known.packed_bytes,
            files_bytes=known.files_bytes,
        )
        return await self._publish(manifest, ())

    async def _publish(self, manifest: RatesManifest, parts: tuple[bytes, ...]) -> Published:
        timeline = self._rates.timeline
        there = timeline.at(manifest.active_from_ms)
        same = there is not None and there.manifest.active_from_ms == manifest.active_from_ms
        if there is not None and same and there.manifest.version == manifest.version and await self._is_whole(there):
            return _report(there.manifest, there.published_at_ms, written=False)
        check_lead(manifest.active_from_ms)
        with broker_errors("the rates"):
            if timeline.part_offsets(manifest) is None:
                for number, part in enumerate(parts):
                    await self._producer.send_and_wait(
                        self._topic, part, part_key(manifest.digest, number), partition=0
                    )
            check_lead(manifest.active_from_ms)
            sent = await self._producer.send_and_wait(
                self._topic, encode_manifest(manifest), manifest_key(manifest), partition=0
            )
        publication = Publication(manifest, sent.timestamp, sent.offset)
        if publication.is_late:
            raise TooSoon(
                f"the broker stamped the publication {manifest.active_from_ms - sent.timestamp} ms before it would come"
                " into force, less than 60 s: it counts for nothing; publish again with a later moment"
            )
        return _report(manifest, sent.timestamp, written=True)

    async def _is_whole(self, publication: Publication) -> bool:
        return await self._rates.load(publication) is not None


def check_lead(active_from_ms: int) -> None:
    """Raise `TooSoon` for a moment that is less than the lead ahead of this machine's clock."""
    ahead_ms = active_from_ms - time.time_ns() // 1_000_000
    if ahead_ms < LEAD_MS:
        raise TooSoon(f"the moment is {ahead_ms / 1_000:.0f} s ahead; rates come into force 60 s or more after now")


def moment_in(seconds: float) -> int:
    """Return the moment `seconds` from now with an allowance, at a whole second, Unix milliseconds."""
    return -(-(time.time_ns() // 1_000_000 + int(seconds * 1_000) + ALLOWANCE_MS) // 1_000) * 1_000


def _report(manifest: RatesManifest, published_at_ms: int, *, written: bool) -> Published:
    return Published(
        manifest.version,
        manifest.active_from_ms,
        published_at_ms,
        manifest.parts,
        manifest.packed_bytes,
        written,
    )
