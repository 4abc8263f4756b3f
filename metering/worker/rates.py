"""The rates in force at a bucket's clock: the local version, then those that were published, loaded when needed.

Leaves following the topic to `rates_follower`, and what a version says to `rating`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Literal

from aiokafka import ConsumerRecord
from msgspec import DecodeError, Struct, ValidationError

from metering.contracts.rates import MANIFEST_KEY, PART_KEY, RatesManifest, decode_manifest
from metering.contracts.topics import Topic
from metering.errors import Retryable
from metering.rating import Catalog, load_files, unpack_files
from metering.worker.kafka import Kafka
from metering.worker.partition_reader import open_partition
from metering.worker.rates_timeline import Publication, Timeline

CATALOGS_KEPT_MAX = 3
"""Loaded versions beside the local one: the one in force, the one before for buckets that lag, the next."""

DETAIL_CHARACTERS_MAX = 2_000
"""Of what is wrong with a version: the first errors; `metering rates check` of its files has all."""

SkipReason = Literal["late", "incomplete", "unreadable"]

_ADVICE: dict[SkipReason, str] = {
    "late": "it came less than 60 s ahead; publish it again with a later moment",
    "incomplete": "records of the topic are missing; publish the same files again",
    "unreadable": "this program cannot read it, the version before stays in force; publish a version that it can read,"
    " or run the program that wrote it",
}


class Skipped(Struct, frozen=True):
    """A publication that counts for nothing: which, why, and what to do about it."""

    publication: str
    reason: SkipReason
    detail: str

    @property
    def advice(self) -> str:
        """What to do about it."""
        return _ADVICE[self.reason]


class InForce(Struct, frozen=True):
    """A version and the moments of the log, `from_ms` <= clock < `until_ms`, at which inputs are priced with it."""

    catalog: Catalog
    from_ms: int
    until_ms: int


class Rates:
    """What has been read of the topic `rates`, and its versions, of which a few are kept loaded.

    `base` is in force before the first publication. `on_skipped` hears of each publication that counts for nothing,
    `on_loaded` of each version that was loaded, and how many seconds it took.
    """

    def __init__(
        self,
        kafka: Kafka,
        base: Catalog,
        on_skipped: Callable[[Skipped], None] = lambda _: None,
        on_loaded: Callable[[str, float], None] = lambda _, __: None,
    ) -> None:
        self.timeline = Timeline()
        self.base = base
        self._kafka = kafka
        self._on_skipped = on_skipped
        self._on_loaded = on_loaded
        self._loaded: dict[str, Catalog] = {}
        self._last: InForce | None = None
        """What was asked for last, until a publication comes or goes: nearly every chunk asks for the same."""
        self._loading = asyncio.Lock()

    async def read(self) -> None:
        """Read the topic from its beginning to the end that it has now. Raises `Retryable`."""
        async with open_partition(self._kafka, Topic.RATES, 0) as reader:
            async for record in reader.records():
                self.note(record)

    def note(self, record: ConsumerRecord[bytes, bytes]) -> Publication | None:
        """Take one record in; return the publication that it makes, unless it is none or counts for nothing."""
        key = (record.key or b"").decode(errors="replace")
        if key.startswith(PART_KEY):
            self.timeline.note_part(record.key or b"", record.offset)
        if not key.startswith(MANIFEST_KEY) or record.value is None:
            return None
        try:
            manifest = decode_manifest(record.value)
        except (DecodeError, ValidationError) as error:
            self._skip("unreadable", key, str(error))
            return None
        publication = Publication(manifest, record.timestamp, record.offset)
        if not self.timeline.add(publication):
            self._skip("late", key, f"published at {publication.published_at_ms}")
            return None
        self._last = None
        return publication

    async def at(self, clock_ms: int) -> InForce:
        """Return what is in force at `clock_ms`, loading it where it is not. Raises `Retryable` without a broker."""
        last = self._last
        if last is not None and last.from_ms <= clock_ms < last.until_ms:
            return last
        while True:
            publication = self.timeline.at(clock_ms)
            catalog = self.base if publication is None else await self.load(publication)
            # While it was loaded, it may have turned out unreadable, or another have been read.
            if catalog is not None and publication is self.timeline.at(clock_ms):
                last = self._last = InForce(catalog, *self.timeline.span(clock_ms))
                return last

    async def load(self, publication: Publication) -> Catalog | None:
        """Return a publication's catalog; None, once and for all, for one that cannot be read. Raises `Retryable`.

        Reading, unpacking and compiling go on beside the stream. Interrupted, nothing is kept.
        """
        manifest = publication.manifest
        catalog = self._loaded.pop(manifest.version, None)
        if catalog is None:
            async with self._loading:
                catalog = self._loaded.pop(manifest.version, None)
                if catalog is None and publication in self.timeline:
                    catalog = await self._load(publication)
        if catalog is not None:
            # At the end: the first one is the one that was not asked for longest.
            self._loaded[manifest.version] = catalog
            while len(self._loaded) > CATALOGS_KEPT_MAX:
                del self._loaded[next(iter(self._loaded))]
        return catalog

    def is_loaded(self, publication: Publication) -> bool:
        """Whether a publication's version is at hand."""
        return publication.manifest.version in self._loaded

    async def read_files(self, manifest: RatesManifest) -> list[bytes] | None:
        """Return the parts of a manifest; None where the topic lacks any. Raises `Retryable`."""
        offsets = self.timeline.part_offsets(manifest)
        if offsets is None:
            return None
        found: dict[int, bytes] = {}
        wanted = set(offsets)
        async with open_partition(self._kafka, Topic.RATES, 0, min(wanted)) as reader:
            async for record in reader.records():
                if record.offset in wanted:
                    found[record.offset] = record.value or b""
                    if len(found) == len(wanted):
                        return [found[offset] for offset in offsets]
        raise Retryable(f"parts of rates {manifest.version} have moved in the topic: they are being written again")

    async def _load(self, publication: Publication) -> Catalog | None:
        manifest = publication.manifest
        started = time.monotonic()
        parts = await self.read_files(manifest)
        if parts is None:
            self._drop("incomplete", publication, "parts are missing")
            return None
        try:
            catalog = await asyncio.to_thread(load_parts, parts, manifest)
        except Exception as error:  # noqa: BLE001  whatever is wrong with its files: the version before stays in force
            self._drop("unreadable", publication, f"{type(error).__name__}: {error}")
            return None
        self._on_loaded(manifest.version, time.monotonic() - started)
        return catalog

    def _drop(self, reason: SkipReason, publication: Publication, detail: str) -> None:
        self.timeline.remove(publication)
        self._last = None
        manifest = publication.manifest
        self._skip(reason, f"{MANIFEST_KEY}{manifest.version}/{manifest.active_from_ms}", detail)

    def _skip(self, reason: SkipReason, key: str, detail: str) -> None:
        self._on_skipped(Skipped(key, reason, detail[:DETAIL_CHARACTERS_MAX]))


def load_parts(parts: list[bytes], manifest: RatesManifest) -> Catalog:
    """Unpack and compile a version. Raises `PackingError` or `RatesError`; to be run in a thread."""
    files = unpack_files(parts, manifest.digest, manifest.files_bytes)
    catalog = load_files(files, f"version {manifest.version}")
    if catalog.version != manifest.version:
        raise ValueError(f"the files are version {catalog.version}")
    catalog.compile()
    return catalog
