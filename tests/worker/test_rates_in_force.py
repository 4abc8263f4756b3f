"""What is in force is asked for with every chunk and remembered: until a publication comes, or turns out to be none."""

from __future__ import annotations

from typing import Any

from metering.contracts.rates import LEAD_MS, RatesManifest, encode_manifest
from metering.rating import load_catalog
from metering.worker.rates import Rates, Skipped
from metering.worker.rates_timeline import BEGINNING_MS, END_MS
from tests.end_to_end.system import RATES
from tests.worker.records import NOW_MS, record

BASE = load_catalog(RATES)
MOMENT_MS = NOW_MS + LEAD_MS


def manifest(active_from_ms: int) -> bytes:
    """Of a version whose parts are nowhere."""
    return encode_manifest(
        RatesManifest(
            version="0" * 12, active_from_ms=active_from_ms, digest="0" * 64, parts=1, packed_bytes=1, files_bytes=1
        )
    )


def note(rates: Rates, active_from_ms: int) -> None:
    one: Any = record(manifest(active_from_ms), timestamp=NOW_MS)
    one.key = f"manifest/{'0' * 12}/{active_from_ms}".encode()
    assert rates.note(one) is not None


async def span(rates: Rates, clock_ms: int) -> tuple[int, int]:
    in_force = await rates.at(clock_ms)
    assert in_force.catalog is BASE
    assert in_force.from_ms <= clock_ms < in_force.until_ms
    return in_force.from_ms, in_force.until_ms


async def test_publication_ends_what_was_in_force_when_it_was_last_asked_for() -> None:
    nobody: Any = None
    rates = Rates(nobody, BASE)
    assert await span(rates, NOW_MS) == (BEGINNING_MS, END_MS)
    note(rates, MOMENT_MS)
    assert await span(rates, NOW_MS) == (BEGINNING_MS, MOMENT_MS)
    note(rates, MOMENT_MS + 10)
    assert await span(rates, MOMENT_MS - 1) == (BEGINNING_MS, MOMENT_MS)


async def test_publication_that_cannot_be_read_leaves_what_was_in_force_as_it_was() -> None:
    nobody: Any = None
    skipped: list[Skipped] = []
    rates = Rates(nobody, BASE, skipped.append)
    note(rates, MOMENT_MS)
    assert await span(rates, MOMENT_MS - 1) == (BEGINNING_MS, MOMENT_MS)
    (publication,) = rates.timeline
    assert await rates.load(publication) is None
    assert [one.reason for one in skipped] == ["incomplete"]
    assert await span(rates, MOMENT_MS - 1) == (BEGINNING_MS, END_MS)
