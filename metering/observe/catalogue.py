"""How metrics are made: each with its meaning, on a registry of its own. Leaves which ones there are to `metrics`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.process_collector import ProcessCollector

from metering.observe.bulk_histogram import BulkHistogram

NAMESPACE = "metering"


@dataclass(frozen=True, slots=True)
class Described:
    """What the documentation says about one metric. `name` as it is scraped."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


@dataclass(slots=True)
class Catalogue:
    """Makes metrics and remembers what they mean. One for each process; nothing is registered globally."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    described: list[Described] = field(default_factory=list)

    def __post_init__(self) -> None:
        # A `_created` beside each counter would double the series. The flag is the library's: a registry has none.
        disable_created_metrics()  # type: ignore[no-untyped-call]

    def counter(self, name: str, meaning: str, *labels: str) -> Counter:
        """Make a counter; `_total` is added to its name."""
        self._describe(f"{name}_total", "counter", labels, meaning)
        return Counter(name, meaning, labels, namespace=NAMESPACE, registry=self.registry)

    def gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        """Make a gauge."""
        self._describe(name, "gauge", labels, meaning)
        return Gauge(name, meaning, labels, namespace=NAMESPACE, registry=self.registry)

    def histogram(self, name: str, meaning: str, bounds: Sequence[float], *labels: str) -> Histogram:
        """Make a histogram with the upper `bounds`; +Inf is added."""
        self._describe(name, "histogram", labels, meaning)
        return Histogram(name, meaning, labels, namespace=NAMESPACE, registry=self.registry, buckets=bounds)

    def bulk_histogram(self, name: str, meaning: str, bounds: Sequence[float], **labels: str) -> BulkHistogram:
        """Make a histogram for values that come by the hundred, or that must cost little; all have the same labels."""
        self._describe(name, "histogram", tuple(labels), meaning)
        return BulkHistogram(f"{NAMESPACE}_{name}", meaning, bounds, self.registry, labels)

    def process(self) -> None:
        """Add what every process tells: its version and the kernel's figures (CPU, memory, open files)."""
        self.gauge("build_info", "1, with the version of the program.", "version").labels(version("metering")).set(1)
        ProcessCollector(registry=self.registry)

    def _describe(self, name: str, kind: str, labels: tuple[str, ...], meaning: str) -> None:
        self.described.append(Described(f"{NAMESPACE}_{name}", kind, labels, meaning))
