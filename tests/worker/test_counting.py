"""What the metrics say of how far a bucket is. Leaves what is counted of its entries to `test_telling`."""

from __future__ import annotations

from metering.contracts.entries import Position
from metering.ledger.codes import KindCode
from metering.observe.metrics import WorkerMetrics
from metering.worker.counting import Counts, Progress


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


def test_counts_of_several_chunks_are_told_as_they_would_be_one_by_one() -> None:
    first, second = Counts(), Counts()
    debited = ("sms.submitted", "sms", "US", KindCode.DEBITED.value, "USD")
    first.add_plain(debited, -7, 0)
    first.add_plain(debited, -3, 0)
    second.add_plain(debited, -5, 0)
    second.add_plain(("sms.delivered", "sms", "US", KindCode.DEBITED.value, "EUR"), -2, -4)
    together, apart = WorkerMetrics(), WorkerMetrics()
    Counts.joined([first, second]).count(together)
    for counts in (first, second):
        counts.count(apart)
    names = ("metering_events_total", "metering_amount_micros_total")
    told = [
        [s for family in m.registry.collect() for s in family.samples if s.name in names] for m in (together, apart)
    ]
    assert told[0] == told[1]
    assert sum(sample.value for sample in told[0]) == 4 + 7 + 3 + 5 + 2 + 4
