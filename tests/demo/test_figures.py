"""Progress, quantiles and checks of the demo, without running it."""

from __future__ import annotations

import io
from typing import Any

import msgspec
import pytest

from metering.checkpoint.reconcile import Difference, Reconciliation
from metering.checkpoint.statement import StatementLine
from metering.cli.demonstration.books import Kept
from metering.cli.demonstration.children import Figures, quantile_ms
from metering.cli.demonstration.fall import EXPECTED, Fall
from metering.cli.demonstration.progress import Progress
from metering.cli.demonstration.summary import Decisions, Run, check_reconciliation, check_statement, find_problems
from metering.contracts.alerts import Alert, AlertData
from metering.contracts.reasons import AlertType

INFINITY = float("inf")


def make_fall(*types: str) -> Fall:
    alerts = tuple(
        Alert(id=f"{n}", source="/", type=AlertType(t), time="", subject="c", data=AlertData(customer="c", entry="0-1"))
        for n, t in enumerate(types)
    )
    return Fall("c", allowed=3, denied=1, events=10, commands=4, alerts=alerts)


RUN = Run(
    published=100,
    commands=10,
    dead_letters=0,
    events_at_once=80,
    milliseconds_at_once=500,
    decisions=Decisions(50, 5.0, 20.0),
    alerts={},
    fall=make_fall(*EXPECTED),
)
KEPT = Kept(usage=100, usage_distinct=100, commands=10)


def test_right_counts_are_no_problem() -> None:
    assert find_problems(RUN, KEPT) == []
    assert RUN.events_per_second == 160


@pytest.mark.parametrize(
    ("run", "kept", "told"),
    [
        ({"published": 101}, {}, "101 events were published"),
        ({}, {"usage": 101}, "101 entries of 100"),
        ({}, {"commands": 9}, "the books have 9"),
        ({"dead_letters": 1}, {}, "1 valid records became dead letters"),
        ({"decisions": Decisions(0, None, None)}, {}, "no decision was measured"),
        ({"fall": make_fall(*EXPECTED[1:])}, {}, "c had the alerts sender.blocked, "),
        (
            {"fall": make_fall(EXPECTED[1], EXPECTED[0], *EXPECTED[2:])},
            {},
            "c had the alerts sender.blocked, credit.low",
        ),
        ({"fall": make_fall(*EXPECTED, "credit.low")}, {}, "c had the alerts"),
    ],
)
def test_wrong_count_or_alert_is_a_problem(run: dict[str, Any], kept: dict[str, Any], told: str) -> None:
    (problem,) = find_problems(msgspec.structs.replace(RUN, **run), msgspec.structs.replace(KEPT, **kept))
    assert told in problem


def make_line(wallet_seq: int, amount: int, balance: int) -> StatementLine:
    nothing = dict.fromkeys(StatementLine.__struct_fields__)
    return StatementLine(
        **nothing | {"wallet_seq": wallet_seq, "amount_micros": amount, "balance_micros": balance}  # type: ignore[arg-type]
    )


def test_statement_that_adds_up_is_no_problem() -> None:
    assert check_statement([make_line(1, 5, 5), make_line(2, 0, 5), make_line(3, -7, -2)]) == []


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [make_line(2, 5, 5)],
        [make_line(1, 5, 6)],
        [make_line(1, 5, 5), make_line(3, 1, 6)],
    ],
)
def test_statement_with_a_gap_or_a_wrong_balance_is_a_problem(lines: list[StatementLine]) -> None:
    assert len(check_statement(lines)) == 1


def test_drift_and_wallets_behind_are_problems() -> None:
    whole = Reconciliation(wallets=1, entries=1, drift=0, drift_micros=0, behind=0, differing=[])
    assert check_reconciliation(whole) == []
    differing = [Difference("figures", "acme", "main", live={"held_micros": 1}, books={"held_micros": 2})]
    drifting = msgspec.structs.replace(whole, drift=1, differing=differing)
    assert check_reconciliation(drifting) == ["figures: acme main: Redis: held_micros 1; books: held_micros 2"]
    assert len(check_reconciliation(msgspec.structs.replace(whole, behind=3))) == 1


@pytest.mark.parametrize(
    ("after", "part", "expected"),
    [
        ({0.01: 0, 0.02: 100, INFINITY: 100}, 0.5, 15.0),
        ({0.01: 0, 0.02: 100, INFINITY: 100}, 0.99, 19.9),
        ({0.01: 10, 0.02: 10, INFINITY: 10}, 0.5, 5.0),
        ({0.01: 0, 0.02: 0, INFINITY: 10}, 0.5, 20.0),
        ({0.01: 0, INFINITY: 0}, 0.5, None),
    ],
)
def test_quantile_lies_within_its_bucket(after: dict[float, float], part: float, expected: float | None) -> None:
    assert expected == pytest.approx(quantile_ms({}, after, part))


def test_quantile_counts_only_what_came_between_two_scrapes() -> None:
    before = {0.01: 1000.0, 0.02: 1000.0, INFINITY: 1000.0}
    after = {0.01: 1000.0, 0.02: 1100.0, INFINITY: 1100.0}
    assert quantile_ms(before, after, 0.5) == pytest.approx(15.0)


def test_figures_add_up_the_samples_with_the_labels() -> None:
    figures = Figures(
        'metering_events_total{type="a",outcome="x"} 2.0\nmetering_events_total{type="b",outcome="x"} 3.0\n'
        'h_bucket{le="0.5"} 1.0\nh_bucket{le="+Inf"} 4.0\n'
    )
    assert figures.total("metering_events_total") == 5
    assert figures.total("metering_events_total", type="b") == 3
    assert figures.total("nothing") == 0
    assert figures.buckets("h") == {0.5: 1.0, INFINITY: 4.0}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_is_a_bar_on_one_line() -> None:
    stream = Terminal()
    progress = Progress("metered", 10, stream=stream)
    for done in range(11):
        progress.show(done)
    progress.finish()
    assert "metered 10/10" in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_progress_elsewhere_is_a_few_plain_lines() -> None:
    stream = io.StringIO()
    progress = Progress("metered", 1_000, stream=stream)
    for done in range(0, 1_001, 10):
        progress.show(done)
    progress.finish()
    lines = stream.getvalue().splitlines()
    assert [line.split(",")[0].strip() for line in lines[:2]] == ["metered 200/1", "metered 400/1"]
    assert len(lines) == 5
    assert "\r" not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
