"""Versions on a real broker: written in parts, read from the beginning, loaded when needed, and never guessed."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from metering.cli.kafka import open_producer
from metering.contracts.rates import LEAD_MS, part_key
from metering.errors import Retryable
from metering.observe.metrics import WorkerMetrics
from metering.rating import Catalog, Packed, load_catalog, pack_files, unpack_files
from metering.rating.check import check_tree
from metering.rating.packing import PART_BYTES_MAX
from metering.rating.tree import DirectoryTree
from metering.worker import rates_follower
from metering.worker.kafka import Kafka
from metering.worker.rates import CATALOGS_KEPT_MAX, Rates, Skipped
from metering.worker.rates_follower import RatesFollower
from metering.worker.rates_publisher import Published, RatesPublisher, TooSoon, moment_in
from tests.end_to_end.system import RATES, System
from tests.rating.decks import sms, write_rates

BASE = load_catalog(RATES)
PART_BYTES = 64
"""Small, so that a small version has several parts."""


def packed_version(directory: Path, price: str) -> tuple[str, Packed]:
    checked = check_tree(DirectoryTree(write_rates(directory / price, [sms("1", price)])))
    return checked.version, pack_files(checked.files, PART_BYTES)


async def read(system: System, skipped: list[Skipped] | None = None) -> Rates:
    """What somebody sees who comes now."""
    rates = Rates(Kafka(system.settings.kafka), BASE, (skipped if skipped is not None else []).append)
    await rates.read()
    return rates


async def publish(system: System, version: str, packed: Packed, active_from_ms: int) -> Published:
    producer = await system._open_producer()
    return await RatesPublisher(Kafka(system.settings.kafka), producer, await read(system)).publish(
        version, packed, active_from_ms
    )


async def write_parts(system: System, packed: Packed, numbers: range) -> None:
    producer: AIOKafkaProducer = await system._open_producer()
    for number in numbers:
        await producer.send_and_wait(system.topic("rates"), packed.parts[number], part_key(packed.digest, number))


async def version_at(rates: Rates, clock_ms: int) -> str:
    return (await rates.at(clock_ms)).catalog.version


async def test_parts_without_a_manifest_count_for_nothing_and_the_next_try_completes_them(
    system: System, tmp_path: Path
) -> None:
    version, packed = packed_version(tmp_path, "0.02")
    assert len(packed.parts) > 3
    await write_parts(system, packed, range(len(packed.parts) - 1))
    moment_ms = moment_in(60)
    assert BASE.version == await version_at(await read(system), moment_ms)

    published = await publish(system, version, packed, moment_ms)
    rates = await read(system)
    assert (published.written, published.parts) == (True, len(packed.parts))
    assert (BASE.version, version) == (await version_at(rates, moment_ms - 1), await version_at(rates, moment_ms))
    assert (await rates.at(moment_ms - 1)).until_ms == moment_ms == (await rates.at(moment_ms)).from_ms
    again = await publish(system, version, packed, moment_ms)
    assert (again.written, again.published_at_ms) == (False, published.published_at_ms)


async def test_a_part_that_is_overwritten_leaves_the_version_before_in_force(system: System, tmp_path: Path) -> None:
    good, packed_good = packed_version(tmp_path, "0.02")
    bad, packed_bad = packed_version(tmp_path, "0.03")
    first_ms = moment_in(60)
    await publish(system, good, packed_good, first_ms)
    await publish(system, bad, packed_bad, first_ms + 1_000)
    producer = await system._open_producer()
    await producer.send_and_wait(system.topic("rates"), b"other", part_key(packed_bad.digest, 1))
    skipped: list[Skipped] = []
    rates = await read(system, skipped)
    in_force = await rates.at(first_ms + 5_000)
    assert (good, first_ms) == (in_force.catalog.version, in_force.from_ms)
    assert [(one.reason, "digest" in one.detail) for one in skipped] == [("unreadable", True)]
    await rates.at(first_ms + 5_000)
    assert len(skipped) == 1

    mended = await publish(system, bad, packed_bad, first_ms + 60_000)
    assert mended.written


async def test_the_last_of_two_for_one_moment_counts_and_too_soon_is_refused(system: System, tmp_path: Path) -> None:
    wrong, packed_wrong = packed_version(tmp_path, "0.02")
    right, packed_right = packed_version(tmp_path, "0.03")
    moment_ms = moment_in(60)
    await publish(system, wrong, packed_wrong, moment_ms)
    await publish(system, right, packed_right, moment_ms)
    assert right == await version_at(await read(system), moment_ms)
    assert (await publish(system, wrong, packed_wrong, moment_ms)).written
    assert wrong == await version_at(await read(system), moment_ms)
    with pytest.raises(TooSoon, match="60 s"):
        await publish(system, right, packed_right, time.time_ns() // 1_000_000 + LEAD_MS - 1_000)
    assert wrong == await version_at(await read(system), moment_ms)


async def test_whoever_comes_later_has_every_version_and_keeps_few(system: System, tmp_path: Path) -> None:
    first_ms = moment_in(60)
    versions = {}
    for number in range(CATALOGS_KEPT_MAX + 2):
        version, packed = packed_version(tmp_path, f"0.0{number + 1}")
        versions[first_ms + number * 1_000] = version
        await publish(system, version, packed, first_ms + number * 1_000)
    rates = await read(system)
    for _ in range(2):
        assert versions == {clock_ms: await version_at(rates, clock_ms) for clock_ms in versions}
        assert len(rates._loaded) == CATALOGS_KEPT_MAX


async def test_nothing_is_priced_while_the_topic_cannot_be_read(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = WorkerMetrics()
    follower = RatesFollower(Kafka(system.settings.kafka), Catalog("base", {}), metrics)
    await follower.start()
    try:
        now_ms = time.time_ns() // 1_000_000
        assert (await follower.at(now_ms)).catalog.version == "base"
        assert metrics.registry.get_sample_value("metering_rates_info", {"version": "base"}) == 1
        await system.stack.broker.kill()
        monkeypatch.setattr(rates_follower, "READ_AGE_SECONDS_MAX", 1.0)
        monkeypatch.setattr(rates_follower, "WAIT_SECONDS_MAX", 1.0)
        with pytest.raises(Retryable, match="no input can be priced"):
            for _ in range(100):
                await follower.at(now_ms)
                await asyncio.sleep(0.1)
    finally:
        await follower.stop()


async def test_parts_of_full_size_pass_the_producer_of_the_command_line_and_the_broker(system: System) -> None:
    files = {"decks/large.csv": random.Random(1).randbytes(2 * PART_BYTES_MAX + 1)}
    packed = pack_files(files)
    assert [len(part) for part in packed.parts[:2]] == [PART_BYTES_MAX] * 2
    moment_ms = moment_in(60)
    async with open_producer(system.settings.kafka) as producer:
        publisher = RatesPublisher(Kafka(system.settings.kafka), producer, await read(system))
        await publisher.publish("0" * 12, packed, moment_ms)
    rates = await read(system)
    publication = rates.timeline.at(moment_ms)
    assert publication is not None
    parts = await rates.read_files(publication.manifest)
    assert parts is not None
    assert files == unpack_files(parts, packed.digest, packed.files_bytes)
