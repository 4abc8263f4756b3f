"""The alert rules ask for metrics and labels that there are. Leaves the language itself to Prometheus."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from metering.observe.metrics import CheckpointerMetrics, WorkerMetrics

ROOT = Path(__file__).parents[2]
DESCRIBED = {one.name: one for metrics in (WorkerMetrics(), CheckpointerMetrics()) for one in metrics.described}
SELECTOR = re.compile(r"\b(metering_\w+)(?:\{(\w+)=)?")
GROUPING = re.compile(r"by \((\w+(?:, \w+)*)\)")

(GROUP,) = yaml.safe_load((ROOT / "deploy/alerts.yml").read_text())["groups"]
RULES: list[dict[str, Any]] = GROUP["rules"]


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_rule_asks_for_metrics_and_labels_that_there_are_and_says_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["alert"].startswith("Metering")
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(rule["annotations"]) == {"summary", "do"}
    expression = rule["expr"]
    assert expression.count("(") == expression.count(")")
    labels = set(re.findall(r"up\{(\w+)", expression)) | ({"job", "instance"} if "up{" in expression else set())
    for name, label in SELECTOR.findall(expression):
        assert name in DESCRIBED, name
        assert not label or label in DESCRIBED[name].labels
        labels |= set(DESCRIBED[name].labels)
    grouped = {label for group in GROUPING.findall(expression) for label in group.split(", ")}
    assert grouped <= labels
    told = set(re.findall(r"\$labels\.(\w+)", "".join(rule["annotations"].values())))
    assert told <= (grouped or labels)


def test_counters_are_asked_for_their_growth_and_nothing_else() -> None:
    for rule in RULES:
        for name in re.findall(r"metering_\w+", rule["expr"]):
            grows = re.search(rf"(?:rate|increase)\({name}\[", rule["expr"]) is not None
            assert grows == (DESCRIBED[name].kind == "counter"), rule["alert"]


def test_commands_that_a_rule_names_are_the_programs() -> None:
    known = set((ROOT / "docs/operations.md").read_text().split("`metering ")[1:])
    for rule in RULES:
        for words in re.findall(r"`metering ([a-z-]+(?: [a-z-]+)?)", rule["annotations"]["do"]):
            assert any(text.startswith(words) for text in known) or words in (ROOT / "README.md").read_text(), words


def test_stopped_buckets_are_told_and_prometheus_loads_the_rules() -> None:
    asked = " ".join(rule["expr"] for rule in RULES)
    assert "metering_bucket_stops_total" in asked
    assert 'metering_bucket_state{state="stopped"}' in asked
    (loaded,) = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())["rule_files"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert f"./deploy/alerts.yml:{loaded}:ro" in compose["services"]["prometheus"]["volumes"]
