"""docs/metrics.md, made from the catalogue. Leaves alerts and dashboards to operations.

`python -m metering.observe.documentation` writes it; a test fails when it is stale.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from metering.observe.catalogue import Described
from metering.observe.metrics import LABELS, CheckpointerMetrics, WorkerMetrics

DOCUMENT = Path("docs/metrics.md")

_HEAD = """\
# Metrics

Made from `metering/observe/metrics.py` by `python -m metering.observe.documentation`; do not edit.

Every process serves `/metrics`, `/healthz` and `/readyz` at `METERING_METRICS__HOST` and `METERING_METRICS__PORT`: a
worker at 127.0.0.1:9101, a checkpointer at 127.0.0.1:9102 when nothing is set. The list is closed: there are no other
names, and no label has values that grow with the number of customers. The `process_…` family of the Prometheus client
comes with each. Figures start at zero when a process starts.

`/healthz` answers 200 while the process makes progress or has nothing to do, and 503 with the reason when it is stuck:
restart it. `/readyz` answers 200 when every dependency answers, else 503. Both list what was looked at as JSON.
"""


def render_metrics() -> str:
    """Return docs/metrics.md."""
    worker, checkpointer = WorkerMetrics().described, CheckpointerMetrics().described
    rows = (f"| `{name}` | {meaning} |" for name, meaning in LABELS.items())
    labels = "\n".join(("| label | values |", "| --- | --- |", *rows))
    return "\n".join(
        (
            _HEAD,
            "## Worker\n",
            _table(worker),
            "\n## Checkpointer\n",
            _table(checkpointer),
            f"\n## Labels\n\n{labels}\n",
        )
    )


def _table(described: Iterable[Described]) -> str:
    rows = (
        f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} | {metric.meaning} |"
        for metric in described
    )
    return "\n".join(("| name | kind | labels | meaning |", "| --- | --- | --- | --- |", *rows))


if __name__ == "__main__":
    DOCUMENT.write_text(render_metrics())
