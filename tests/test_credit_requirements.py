"""Every row about credit has a test that names it. Leaves who may do what (IU-07, IU-09) to the API."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

NUMBERS = {
    "BM": (1, 2, 6, *range(13, 20)),
    "ES": (6, 7, *range(10, 14)),
    "INF": (*range(1, 8), *range(11, 15), 16),
    "IU": (2, 6, 10, 12, 13, 15, 22, *range(24, 28)),
    "PG": (5, 6, 15),
    "PL": (*range(3, 13), 34, 37, 38, *range(40, 51), 56, 57, 58),
}
ROWS = [f"{product}-{number:02}" for product, numbers in NUMBERS.items() for number in numbers]
"""The rows of ledger, lots, allocation, transfer, blocking and scheduling, and of the engine's half of the alerts."""


def requirements_of(decorated: ast.AST) -> Iterator[str]:
    """The ids that a test's, a class's or a module's marks name."""
    for node in ast.walk(decorated):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "requirement":
            yield from (str(given.value) for given in node.args if isinstance(given, ast.Constant))


@pytest.fixture(scope="module")
def marked() -> frozenset[str]:
    """All ids that any test names."""
    files = [path for path in TESTS.rglob("test_*.py") if path != Path(__file__)]
    return frozenset(name for path in files for name in requirements_of(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("row", ROWS)
def test_row_about_credit_has_a_test_that_names_it(marked: frozenset[str], row: str) -> None:
    assert row in marked
