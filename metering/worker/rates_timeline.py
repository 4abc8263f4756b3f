"""Which published version is in force at a moment of the log. Pure: leaves reading the topic and loading to `rates`."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator

from msgspec import Struct

from metering.contracts.rates import LEAD_MS, RatesManifest, part_key

BEGINNING_MS = 0
END_MS = 2**63
"""Beyond every timestamp that a record can have, an impossible one that will be refused included."""


class Publication(Struct, frozen=True):
    """A manifest as it lies in the topic. `published_at_ms` is its log timestamp."""

    manifest: RatesManifest
    published_at_ms: int
    offset: int

    @property
    def is_late(self) -> bool:
        """Whether it came less than the lead ahead: then a worker may have priced past its moment without it."""
        return self.manifest.active_from_ms < self.published_at_ms + LEAD_MS


class Timeline:
    """Publications by the moment from which they are in force; of several for one moment the last one counts.

    Every worker that has read the same records answers the same, whatever the order and time of its reading.
    """

    def __init__(self) -> None:
        self._publications: list[Publication] = []
        self._parts: dict[bytes, int] = {}

    def __iter__(self) -> Iterator[Publication]:
        return iter(self._publications)

    def note_part(self, key: bytes, offset: int) -> None:
        """Note where a part lies; written again, it is the same."""
        self._parts[key] = offset

    def add(self, publication: Publication) -> bool:
        """Take a publication in; False for one that is late and counts for nothing."""
        if publication.is_late:
            return False
        insort(self._publications, publication, key=_place)
        return True

    def remove(self, publication: Publication) -> None:
        """Take out one whose files cannot be read: what was in force before it stays so."""
        if publication in self._publications:
            self._publications.remove(publication)

    def at(self, clock_ms: int) -> Publication | None:
        """Return what is in force at `clock_ms`; None before the first."""
        index = self._index(clock_ms)
        return self._publications[index - 1] if index else None

    def after(self, clock_ms: int) -> list[Publication]:
        """Return what comes into force after `clock_ms`, soonest first."""
        return self._publications[self._index(clock_ms) :]

    def span(self, clock_ms: int) -> tuple[int, int]:
        """Return from when until when (exclusive) what is in force at `clock_ms` is."""
        index = self._index(clock_ms)
        start = self._publications[index - 1].manifest.active_from_ms if index else BEGINNING_MS
        later = self._publications[index:]
        return start, later[0].manifest.active_from_ms if later else END_MS

    def find_version(self, version: str) -> Publication | None:
        """Return the last publication of a version."""
        return next((one for one in reversed(self._publications) if one.manifest.version == version), None)

    def part_offsets(self, manifest: RatesManifest) -> list[int] | None:
        """Return where a manifest's parts lie, in their order; None when any is missing."""
        offsets = [self._parts.get(part_key(manifest.digest, number)) for number in range(manifest.parts)]
        found = [offset for offset in offsets if offset is not None]
        return found if len(found) == manifest.parts else None

    def _index(self, clock_ms: int) -> int:
        return bisect_right(self._publications, clock_ms, key=_moment)


def _place(publication: Publication) -> tuple[int, int]:
    return publication.manifest.active_from_ms, publication.offset


def _moment(publication: Publication) -> int:
    return publication.manifest.active_from_ms
