"""Amounts and tables for people."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from metering.cli.output import format_amount, format_table


@pytest.mark.parametrize(
    ("micros", "expected"),
    [
        (0, "0.00"),
        (1, "0.000001"),
        (500_000, "0.50"),
        (-1_500_000, "-1.50"),
        (1_234_567_890_000, "1,234,567.89"),
        (2**53 - 1, "9,007,199,254.740991"),
    ],
)
def test_amount_is_written_exactly(micros: int, expected: str) -> None:
    assert expected == format_amount(micros)


@given(st.integers(-(2**53), 2**53), st.integers(0, 6))
def test_any_amount_reads_back_the_same(micros: int, places: int) -> None:
    text = format_amount(micros, places=places)
    assert Decimal(micros) / 1_000_000 == Decimal(text.replace(",", ""))


def test_unit_stands_behind_the_amount() -> None:
    assert format_amount(5_000_000, "USD") == "5.00 USD"


def test_table_puts_figures_to_the_right() -> None:
    table = format_table(("wallet", "available"), [("main", "5.00"), ("team", "1,000.00")], right=(1,))
    assert table.splitlines() == ["wallet  available", "main         5.00", "team     1,000.00"]
