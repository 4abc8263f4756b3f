"""The catalogue: documented whole, closed, and cheap where it is called for every event."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from prometheus_client import REGISTRY, CollectorRegistry, Histogram, disable_created_metrics, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from metering.observe.bulk_histogram import DECISION_BOUNDS, BulkHistogram
from metering.observe.documentation import DOCUMENT, render_metrics
from metering.observe.metrics import LABELS, SIZES, CheckpointerMetrics, WorkerMetrics

ROOT = Path(__file__).parents[2]


def test_documentation_is_what_the_catalogue_says() -> None:
    assert render_metrics() == (ROOT / DOCUMENT).read_text(), "run: python -m metering.observe.documentation"


@pytest.mark.parametrize("metrics", [WorkerMetrics(), CheckpointerMetrics()])
def test_every_label_says_what_its_values_are(metrics: WorkerMetrics | CheckpointerMetrics) -> None:
    used = {label for metric in metrics.described for label in metric.labels}
    assert used <= LABELS.keys()
    assert not used & {"customer", "wallet", "sender", "user", "campaign", "charge"}


def test_no_label_is_described_in_vain() -> None:
    used = {
        label
        for metrics in (WorkerMetrics(), CheckpointerMetrics())
        for one in metrics.described
        for label in one.labels
    }
    assert used == LABELS.keys()


@pytest.mark.parametrize("metrics", [WorkerMetrics(), CheckpointerMetrics()])
def test_what_is_scraped_is_what_is_described(metrics: WorkerMetrics | CheckpointerMetrics) -> None:
    families = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    scraped = {family.name for family in families if not family.name.startswith("process_")}
    assert scraped == {metric.name.removesuffix("_total") for metric in metrics.described}


def test_two_catalogues_share_nothing() -> None:
    first, second = WorkerMetrics(), WorkerMetrics()
    first.ticks.inc()
    assert first.registry.get_sample_value("metering_ticks_total") == 1
    assert second.registry.get_sample_value("metering_ticks_total") == 0


def test_catalogue_leaves_the_global_registry_alone() -> None:
    WorkerMetrics()
    assert [name for name in REGISTRY._names_to_collectors if name.startswith("metering")] == []


@given(st.lists(st.tuples(st.floats(0, 1_000), st.integers(1, 5)), max_size=50))
def test_any_values_are_counted_as_prometheus_client_counts_them(counted_values: list[tuple[float, int]]) -> None:
    registry = CollectorRegistry()
    histogram = BulkHistogram("h", "h", DECISION_BOUNDS, registry)
    half = len(counted_values) // 2
    histogram.observe_many(counted_values[:half])
    histogram.observe_many(counted_values[half:])
    values = [value for value, times in counted_values for _ in range(times)]
    for bound in DECISION_BOUNDS:
        counted = registry.get_sample_value("h_bucket", {"le": repr(bound)})
        assert counted == sum(value <= bound for value in values)
    assert registry.get_sample_value("h_count") == len(values)
    assert registry.get_sample_value("h_sum") == pytest.approx(sum(values))


@given(st.lists(st.integers(1, 2_000), max_size=30))
def test_values_one_by_one_are_told_as_prometheus_client_tells_them(values: list[int]) -> None:
    told = []
    for make in (_histogram_of_the_client, _histogram_of_ours):
        registry = CollectorRegistry()
        observe = make(registry)
        for value in values:
            observe(value)
        told.append(generate_latest(registry))
    assert told[0] == told[1]


def _histogram_of_the_client(registry: CollectorRegistry) -> Callable[[float], None]:
    disable_created_metrics()  # type: ignore[no-untyped-call]
    return Histogram("h", "what", ["script"], buckets=SIZES, registry=registry).labels("apply").observe


def _histogram_of_ours(registry: CollectorRegistry) -> Callable[[float], None]:
    return BulkHistogram("h", "what", SIZES, registry, {"script": "apply"}).observe
