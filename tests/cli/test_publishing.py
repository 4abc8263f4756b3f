"""`metering send`: what was published is there, in order and in its partition; what was not is told."""

from __future__ import annotations

import asyncio
import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

from metering.cli.publishing import publish_lines
from metering.contracts.partitioning import partition_of
from metering.contracts.topics import Topic
from metering.embedded.kafka import KafkaBroker
from metering.embedded.tansu import TansuBroker
from metering.errors import Fatal
from metering.settings import KafkaSettings
from tests.cli.conftest import PARTITIONS, Installation


def make_line(number: int, customer: str, **more: object) -> bytes:
    return json.dumps({"id": number, "data": {"customer": customer, **more}}).encode()


def write(path: Path, lines: list[bytes]) -> str:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return str(path)


async def test_every_line_is_published_in_order_for_its_customer(installation: Installation, tmp_path: Path) -> None:
    lines = [make_line(number, f"customer-{number % 17}") for number in range(20_000)]
    report = await publish_lines(installation.kafka, write(tmp_path / "events", lines))
    assert (report.lines, report.published, report.skipped, report.refused) == (20_000, 20_000, 0, 0)
    records = await installation.read(Topic.USAGE)
    assert sorted(lines) == sorted(record.value for record in records)
    by_customer = defaultdict(list)
    for record in records:
        event = json.loads(record.value)
        assert record.key.decode() == event["data"]["customer"]
        assert record.partition == partition_of(record.key.decode(), PARTITIONS)
        by_customer[record.key].append(event["id"])
    assert all(ids == sorted(ids) for ids in by_customer.values())


async def test_lines_that_cannot_be_published_are_named_and_passed_over(
    installation: Installation, tmp_path: Path
) -> None:
    lines = [make_line(1, "a"), b"{broken", b"", b"   ", b'{"data": {}}', b'{"data": {"customer": 7}}', b"\xff\xfe"]
    report = await publish_lines(installation.kafka, write(tmp_path / "events", lines))
    assert (report.lines, report.published, report.skipped) == (5, 1, 4)
    assert [(problem.line, problem.reason) for problem in report.problems] == [
        (2, "not_json"),
        (5, "no_customer"),
        (6, "no_customer"),
        (7, "not_json"),
    ]
    assert [record.value for record in await installation.read(Topic.USAGE)] == [make_line(1, "a")]


async def test_raw_publishes_every_line_as_it_is(installation: Installation, tmp_path: Path) -> None:
    lines = [make_line(1, "a"), b"{broken", b"\x00\xff", make_line(2, "a")]
    report = await publish_lines(installation.kafka, write(tmp_path / "events", lines), raw=True)
    assert (report.lines, report.published, report.problems) == (4, 4, [])
    assert sorted(lines) == sorted(record.value for record in await installation.read(Topic.USAGE))


async def test_large_line_goes_out_beside_small_ones(installation: Installation, tmp_path: Path) -> None:
    lines = [make_line(1, "a"), make_line(2, "a", text="x" * 700_000), make_line(3, "a")]
    report = await publish_lines(installation.kafka, write(tmp_path / "events", lines))
    assert (report.published, report.refused) == (3, 0)
    assert lines == [record.value for record in await installation.read(Topic.USAGE) if record.key == b"a"]


async def test_line_that_the_broker_refuses_is_named(
    installation: Installation, broker: TansuBroker | KafkaBroker, tmp_path: Path
) -> None:
    lines = [make_line(1, "a"), make_line(2, "a", text="x" * 2_000_000), make_line(3, "b")]
    report = await publish_lines(installation.kafka, write(tmp_path / "events", lines))
    if isinstance(broker, TansuBroker):  # takes records of any size
        assert report.published == 3
        return
    assert report.published + report.refused == 3
    assert 2 in [problem.line for problem in report.problems]
    assert {problem.reason for problem in report.problems} == {"not_published"}


async def test_pipe_that_pauses_has_its_lines_out_at_once(installation: Installation, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    publishing = asyncio.create_task(publish_lines(installation.kafka, str(pipe)))
    writer = await asyncio.to_thread(os.open, pipe, os.O_WRONLY)
    os.write(writer, make_line(1, "a") + b"\n" + make_line(2, "a")[:10])
    assert [record.value for record in await installation.read(Topic.USAGE)] == [make_line(1, "a")]
    assert not publishing.done()
    os.write(writer, make_line(2, "a")[10:])
    os.close(writer)
    report = await publishing
    assert (report.lines, report.published) == (2, 2)


async def test_empty_file_publishes_nothing(installation: Installation, tmp_path: Path) -> None:
    report = await publish_lines(installation.kafka, write(tmp_path / "events", [b""]))
    assert (report.lines, report.published) == (0, 0)


async def test_missing_topic_is_fatal_and_says_what_to_run(installation: Installation, tmp_path: Path) -> None:
    other = KafkaSettings(bootstrap=installation.kafka.bootstrap, topic_prefix="nowhere-")
    with pytest.raises(Fatal, match="metering topics create"):
        await publish_lines(other, write(tmp_path / "events", [make_line(1, "a")]))
