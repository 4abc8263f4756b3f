"""What the metrics say of how far a bucket is. Leaves what is counted of its entries to `test_telling`."""

from __future__ import annotations

from metering.contracts.entries import Position
from metering.observe.metrics import WorkerMetrics
from metering.worker.counting import Progress


def of(metrics: WorkerMetrics, bucket: str) -> list[float | None]:
    value, name = metrics.registry.get_sample_value, {"bucket": bucket}
    return [
        value("metering_ledger_seq", name),
        value("metering_position", {"topic": "usage"} | name),
        value("metering_position", {"topic": "commands"} | name),
        value("metering_bucket_clock_seconds", name),
    ]


def test_metrics_say_how_far_a_bucket_is_when_they_are_read() -> None:
    metrics = WorkerMetrics()
    three = Progress(metrics, 3, 10, Position(20, 30), 40_000)
    Progress(metrics, 4, 1, Position(2, 3), 4_500)
    assert of(metrics, "3") == [10, 20, 30, 40]
    three.note(11, Position(25, 31), 41_500)
    assert of(metrics, "3") == [11, 25, 31, 41.5]
    assert of(metrics, "4") == [1, 2, 3, 4.5]


def test_metrics_follow_a_bucket_into_its_next_claim() -> None:
    metrics = WorkerMetrics()
    before = Progress(metrics, 3, 10, Position(20, 30), 40_000)
    Progress(metrics, 3, 8, Position(18, 30), 39_000)
    before.note(11, Position(25, 31), 41_500)
    assert of(metrics, "3") == [8, 18, 30, 39]
