"""`metering bench` on the embedded stack: it measures, it checks, and it finds what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from metering.cli.benchmark.exactness import Ledger, count_problems
from metering.cli.benchmark.mixes import Mix, event_number
from metering.cli.benchmark.scenario import MixName, Scenario, suite
from metering.worker.decoding import Rejected, decode_usage

pytestmark = pytest.mark.timeout(600)  # whole systems start, work and stop; seconds on an idle machine

PTRACE_SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")
MAY_TRACE = os.geteuid() == 0 or not PTRACE_SCOPE.exists() or PTRACE_SCOPE.read_text().strip() == "0"
"""Whether this user may look into a process that it did not start as its own child, which is what a profile needs."""
WORKER_BYTES_MAX = 210 * 1024 * 1024
"""Half of it is the program with the world's rates. With bounds for each bucket instead of all it was 244 MB."""
BENCH = [sys.executable, "-m", "metering.cli", "bench", "--customers", "40", "--partitions", "2"]


def bench(*arguments: str) -> Any:
    done = subprocess.run([*BENCH, "--json", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_backlog_is_drained_counted_and_found_exact_in_redis_and_books() -> None:
    report = bench("--events", "6000", "--mix", "life", "--checkpointer")

    (result,) = report["results"]
    exactness = result["exactness"]
    assert report["failed"] == exactness["problems"] == []
    assert exactness["entries"] == exactness["books_entries"] == 6000
    assert 0 < exactness["decisions"] < 6000
    assert exactness["spent_micros"] > 0
    events_a_message = exactness["entries"] / exactness["decisions"]
    per_second = result["cost"]["events"] * 1_000 / result["cost"]["milliseconds"]
    assert result["messages_per_second"] == pytest.approx(per_second / events_a_message, rel=0.01)
    assert exactness["wallets"] == 40
    assert 0 < result["cost"]["events"] <= 6000
    assert {"worker", "redis", "kafka", "checkpointer", "postgres"} == set(result["cost"]["cpu_micros"])
    assert {"checkpointer", "postgres"} == set(result["checkpointer"]["cpu_micros"])
    assert result["turns"]["python_nanoseconds"] > 0 < result["turns"]["lua_nanoseconds"]
    assert result["memory"]["workers_resident"] > 10_000_000
    assert report["machine"]["packages"]["metering"]


def test_baselines_do_the_same_events_and_profiles_are_written(tmp_path: Path) -> None:
    # Faust commits every few seconds, and is measured from one to another: on a quick machine 1,500 are too few for it.
    report = bench("--events", "24000", "--baselines", *(["--profile", str(tmp_path)] if MAY_TRACE else []))

    (result,) = report["results"]
    assert ["faust", "postgres", "redis"] == [one["name"] for one in result["baselines"]]
    assert all(one["is_exact"] and one["per_second"] > 0 < one["client_cpu_micros"] for one in result["baselines"])
    if not MAY_TRACE:
        return
    (directory,) = tmp_path.iterdir()
    assert "<svg" in (directory / "worker.svg").read_text()
    commands = json.loads((directory / "redis.json").read_text())["commands"]
    assert "fcall" in commands
    assert json.loads((directory / "postgres.json").read_text())


def test_pace_is_kept_and_every_decision_and_entry_timed() -> None:
    report = bench("--pace", "300", "--seconds", "2")

    (result,) = report["results"]
    assert (
        result["cost"]["events"] == result["latency"]["decision"]["count"] == result["latency"]["entry"]["count"] == 600
    )
    assert 0 < result["latency"]["decision"]["p50_ms"] <= result["latency"]["decision"]["p99_ms"]
    assert result["exactness"]["entries"] > 600  # the warm-up is checked as well


def test_several_numbers_of_customers_are_a_scenario_each_in_one_report() -> None:
    report = bench("--events", "4000", "--warm-up", "2000", "--customers", "1", "30")

    assert [1, 30] == [result["scenario"]["customers"] for result in report["results"]]
    assert report["failed"] == []
    assert all(result["cost"]["events"] <= 2_000 for result in report["results"])


def test_warm_up_that_leaves_nothing_to_measure_is_refused_at_once() -> None:
    arguments = [*BENCH, "--events", "100", "--warm-up", "100"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode != 0
    assert "--warm-up is a part of --events" in done.stderr


@pytest.mark.parametrize("mix", ["debit", "reserve", "life", "voice", "denied", "lots", "limits"])
def test_events_of_every_mix_are_valid_and_numbered_in_order(mix: MixName) -> None:
    events = list(Mix(Scenario(mix=mix, customers=10), "run").events(0, 2_000))

    decoded = [decode_usage(event.value, 4_000_000_000_000, 10**13) for event in events]
    assert not [content for content in decoded if isinstance(content, Rejected)]
    assert list(range(2_000)) == [event.number for event in events]
    assert list(range(2_000)) == [event_number(json.loads(event.value)["id"]) for event in events]


def entry(seq: int, number: int, chunk: str = "c", prev: str = "c") -> bytes:
    return json.dumps(
        {"seq": seq, "chunk": chunk, "prev_chunk": prev, "customer": "a", "event": {"id": f"x-{number}"}}
    ).encode()


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([entry(1, 0, prev=""), entry(2, 1)], []),
        ([entry(1, 0, prev="")], ["2 events, 1 of them with an entry, 0 with several"]),
        ([entry(1, 0, prev=""), entry(2, 1), entry(3, 1)], ["2 events, 2 of them with an entry, 1 with several"]),
        ([entry(1, 0, prev=""), entry(3, 1)], ["1 entries do not follow the one before them in their bucket"]),
        (
            [entry(1, 0, prev=""), entry(2, 1, prev="d")],
            ["1 entries do not follow the one before them in their bucket"],
        ),
    ],
)
def test_ledger_that_is_not_exact_is_told(entries: list[bytes], found: list[str]) -> None:
    ledger = Ledger()
    for value in entries:
        ledger.take(0, value)

    assert found == count_problems(ledger, published=2, asking=2, decided=2)


def test_full_suite_has_what_the_short_one_has_and_each_scenario_once() -> None:
    short, full = suite("short", Scenario()), suite("full", Scenario())

    assert set(map(repr, short)) < set(map(repr, full))
    assert len(full) == len({scenario.name for scenario in full})
    assert {1, 1_000, 100_000, 1_000_000} <= {scenario.customers for scenario in full}
    assert {5_000, 10_000, 20_000} <= {scenario.pace for scenario in full}


def test_worker_of_many_buckets_holds_no_more_of_a_backlog_than_it_may() -> None:
    report = bench("--events", "40000", "--customers", "5000", "--partitions", "64")

    (result,) = report["results"]
    assert result["exactness"]["problems"] == []
    assert result["memory"]["workers_peak"] < WORKER_BYTES_MAX
