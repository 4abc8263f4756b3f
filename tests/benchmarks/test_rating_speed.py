"""Holds the order of magnitude, relative to other matchers in the same run; the figures stand in docs/rating.md."""

from __future__ import annotations

from pathlib import Path

from metering.rating import load_catalog
from tests.benchmarks.rating import ROWS, make_numbers, measure_matching, write_deck


def test_price_of_a_text_beats_other_matchers_on_50000_rows(tmp_path: Path) -> None:
    plan = load_catalog(write_deck(tmp_path)).plans["test"]
    assert len(plan.book.rows) == ROWS
    figures = measure_matching(plan, make_numbers(plan.book.rows))
    price = figures["price of one text (row, amount, lines)"]
    assert price < figures["pygtrie"] / 1.5
    assert price < figures["phonenumbers (country only)"] / 10
    assert price < figures["linear scan"] / 1000
